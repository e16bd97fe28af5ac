import { join } from 'node:path';
import type { FileSystem, StoredFile } from '../file-system.js';
import { BlockCache } from './block-cache.js';
import { hashKey, mayHold } from './bloom-filter.js';
import { DamagedTable } from './damaged-table.js';
import { blockDigest, RowBlock, type RowEntry, salvageRows } from './row-block.js';
import type { CursorStart, RowCursor } from './row-cursor.js';
import { decodePartition, type IndexEntry, PackedIndex, type Partition } from './table-index.js';
import { type TableDescription, tableName } from './table-writer.js';

/** What the tables of one database have in common. */
export interface TableReading {
  readonly files: FileSystem;
  readonly directory: string;
  readonly blocks: BlockCache<RowBlock>;
  readonly partitions: BlockCache<LoadedPartition>;
  /** For the verifier: rows of a damaged block are handed out as far as they can be made out. */
  readonly salvage: boolean;
}

export interface LoadedPartition extends Partition {
  readonly sizeBytes: number;
}

const BLOCK_CACHE_BYTES = 2 * 1024 * 1024;
const PARTITION_CACHE_BYTES = 2 * 1024 * 1024;
/** A partition in memory is its bytes, and its keys once more as text. */
const PARTITION_BYTES_EACH = 2;
/** Above the size of any table: number of the table and offset together name a part. */
const OFFSET_LIMIT = 2 ** 33;

export function tableReading(files: FileSystem, directory: string, salvage: boolean): TableReading {
  const blocks = new BlockCache<RowBlock>(BLOCK_CACHE_BYTES);
  return { files, directory, salvage, blocks, partitions: new BlockCache(PARTITION_CACHE_BYTES) };
}

/**
 * One immutable file of sorted rows. Nothing is handed out of a part whose digest does not fit: the manifest has the
 * digest of the root, the root those of the partitions, a partition those of its blocks.
 */
export class Table {
  readonly description: TableDescription;
  readonly #reading: TableReading;
  readonly #file: StoredFile;
  readonly #root: PackedIndex;
  readonly #partitions: readonly IndexEntry[];
  readonly #placeBase: number;

  private constructor(parts: {
    description: TableDescription;
    reading: TableReading;
    file: StoredFile;
  }) {
    this.description = parts.description;
    this.#reading = parts.reading;
    this.#file = parts.file;
    this.#placeBase = parts.description.number * OFFSET_LIMIT;
    this.#root = new PackedIndex(this.#read(parts.description.root));
    this.#partitions = this.#root.entries();
  }

  /**
   * @throws DamagedTable when the file or its index is not what the manifest says
   */
  static async open(reading: TableReading, description: TableDescription): Promise<Table> {
    const path = join(reading.directory, tableName(description.number));
    let file: StoredFile;
    try {
      file = await reading.files.open(path, 'read');
    } catch (cause) {
      throw new DamagedTable(path, 'it cannot be opened', { cause });
    }
    try {
      const sizeBytes = await file.sizeBytes();
      if (sizeBytes !== description.sizeBytes) {
        throw new DamagedTable(path, `it has ${sizeBytes} bytes, not ${description.sizeBytes}`);
      }
      return new Table({ description, reading, file });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * @returns undefined when the table says nothing about the key
   * @throws DamagedTable
   */
  get(key: string): RowEntry | undefined {
    const partition = this.#partition(this.#root.find(key));
    if (partition === undefined || !mayHold(partition.filter, hashKey(key))) return undefined;
    const place = partition.blocks.entry(partition.blocks.find(key));
    if (place === undefined) return undefined;
    const block = this.#block(place);
    const index = block.lowerBound(key);
    const entry = index < block.count ? block.entry(index) : undefined;
    if (entry?.key === key) return entry;
    if (block.isDamaged) throw this.#damaged(place);
    return undefined;
  }

  /**
   * @param options - `cached` keeps what is read at hand; a merge reads everything once and does not, and what its
   * cursor stands on is good until it moves
   * @throws DamagedTable, then or while the cursor moves
   */
  cursor(start: CursorStart, { cached }: { readonly cached: boolean }): RowCursor {
    const pass = cached ? undefined : new OnePass();
    return new TableCursor(
      {
        partitions: this.#partitions.length,
        blocksOf: (partition) => this.#partition(partition)?.blocks,
        block: (place) => this.#block(place, pass),
        partitionOf: (key) => this.#root.find(key),
      },
      start,
    );
  }

  /** What does not match its digest, in words; parts behind a damaged partition cannot be looked at. */
  damagedParts(): string[] {
    return this.#partitions.flatMap((place) => {
      const bytes = this.#bytesOf(place);
      if (!fits(bytes, place)) return [this.#damaged(place).message];
      return decodePartition(bytes)
        .blocks.entries()
        .filter((block) => !fits(this.#bytesOf(block), block))
        .map((block) => this.#damaged(block).message);
    });
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #partition(index: number): LoadedPartition | undefined {
    const place = this.#partitions[index];
    if (place === undefined) return undefined;
    const { partitions } = this.#reading;
    const known = partitions.get(this.#placeBase + place.offsetBytes);
    if (known !== undefined) return known;
    const loaded = { ...decodePartition(this.#read(place)), sizeBytes: place.sizeBytes * PARTITION_BYTES_EACH };
    partitions.put(this.#placeBase + place.offsetBytes, loaded);
    return loaded;
  }

  #block(place: IndexEntry, pass?: OnePass): RowBlock {
    const { blocks, salvage } = this.#reading;
    const known = blocks.get(this.#placeBase + place.offsetBytes);
    if (known !== undefined) return known;
    const bytes = this.#bytesOf(place, pass);
    const isSound = fits(bytes, place);
    if (!isSound && !salvage) throw this.#damaged(place);
    const block = isSound ? new RowBlock(bytes) : salvageRows(bytes ?? Buffer.alloc(0), place.lastKey);
    if (pass === undefined) blocks.put(this.#placeBase + place.offsetBytes, block);
    return block;
  }

  #read(place: IndexEntry): Buffer {
    const bytes = this.#bytesOf(place);
    if (!fits(bytes, place)) throw this.#damaged(place);
    return bytes;
  }

  #bytesOf(place: IndexEntry, pass?: OnePass): Buffer | undefined {
    const bytes = pass?.room(place.sizeBytes) ?? Buffer.allocUnsafeSlow(place.sizeBytes);
    try {
      return this.#file.read(bytes, place.offsetBytes) === place.sizeBytes ? bytes : undefined;
    } catch (cause) {
      throw this.#damaged(place, cause);
    }
  }

  #damaged(place: IndexEntry, cause?: unknown): DamagedTable {
    const path = join(this.#reading.directory, tableName(this.description.number));
    const detail = `its ${place.sizeBytes} bytes from byte ${place.offsetBytes} on do not match their digest`;
    return cause === undefined ? new DamagedTable(path, detail) : new DamagedTable(path, detail, { cause });
  }
}

function fits(bytes: Buffer | undefined, place: IndexEntry): bytes is Buffer {
  return bytes !== undefined && blockDigest(bytes).equals(place.digest);
}

/** Room for one block after the other: a cursor that goes through a table once leaves no garbage as large as the table. */
class OnePass {
  #bytes: Buffer = Buffer.alloc(0);

  room(sizeBytes: number): Buffer {
    if (this.#bytes.length < sizeBytes) this.#bytes = Buffer.allocUnsafeSlow(sizeBytes * 2);
    return this.#bytes.subarray(0, sizeBytes);
  }
}

interface TableParts {
  readonly partitions: number;
  blocksOf(partition: number): PackedIndex | undefined;
  block(place: IndexEntry): RowBlock;
  partitionOf(key: string): number;
}

class TableCursor implements RowCursor {
  readonly #parts: TableParts;
  readonly #step: 1 | -1;
  #partition: number;
  #blocks: PackedIndex | undefined;
  #blockIndex = 0;
  #block: RowBlock | undefined;
  #row = 0;
  current: RowEntry | undefined;

  constructor(parts: TableParts, { direction, key }: CursorStart) {
    this.#parts = parts;
    this.#step = direction === 'forward' ? 1 : -1;
    const end = direction === 'forward' ? 0 : parts.partitions - 1;
    this.#partition = key === undefined ? end : Math.min(parts.partitionOf(key), parts.partitions - 1);
    this.#blocks = parts.blocksOf(this.#partition);
    this.#blockIndex = this.#startBlock(key);
    this.#openBlock();
    if (key !== undefined) this.#row = (this.#block?.lowerBound(key) ?? 0) - (direction === 'forward' ? 0 : 1);
    this.#settle();
  }

  next(): void {
    this.#row += this.#step;
    this.#settle();
  }

  #startBlock(key: string | undefined): number {
    const last = (this.#blocks?.count ?? 0) - 1;
    if (key !== undefined) return Math.min(this.#blocks?.find(key) ?? 0, last);
    return this.#step === 1 ? 0 : last;
  }

  /** Goes on to the neighbouring block where this one is at its end. */
  #settle(): void {
    while (this.#block !== undefined && (this.#row < 0 || this.#row >= this.#block.count)) {
      this.#blockIndex += this.#step;
      if (this.#blockIndex < 0 || this.#blockIndex >= (this.#blocks?.count ?? 0)) this.#nextPartition();
      this.#openBlock();
    }
    this.current = this.#block?.entry(this.#row);
  }

  #nextPartition(): void {
    this.#partition += this.#step;
    this.#blocks = this.#parts.blocksOf(this.#partition);
    this.#blockIndex = this.#step === 1 ? 0 : (this.#blocks?.count ?? 0) - 1;
  }

  #openBlock(): void {
    const place = this.#blocks?.entry(this.#blockIndex);
    this.#block = place === undefined ? undefined : this.#parts.block(place);
    this.#row = this.#step === 1 ? 0 : (this.#block?.count ?? 0) - 1;
  }
}
