import { join } from 'node:path';
import { type FileSystem, type StoredFile, shortWrite } from '../file-system.js';
import { hashKey, makeFilter } from './bloom-filter.js';
import { blockDigest, type RowEntry, rowSizeBytes, trailerSizeBytes, writeRow, writeTrailer } from './row-block.js';
import { encodeIndex, encodePartition, type IndexEntry } from './table-index.js';

/** A table as the manifest names it: with the digest of its root every byte of the file is accounted for. */
export interface TableDescription {
  /** Of no other table the database ever had; the file is named by it. */
  readonly number: number;
  readonly sizeBytes: number;
  readonly rows: number;
  /** The index of partitions; it ends the file. */
  readonly root: IndexEntry;
}

const TABLE_SUFFIX = '.table';
const NAME_DIGITS = 9;
const BLOCK_SIZE_BYTES = 8 * 1024;
const BLOCKS_PER_PARTITION = 64;
const WRITE_SIZE_BYTES = 256 * 1024;
/** What is beside it at first: a block and an index of blocks. */
const WRITE_SPARE_BYTES = 32 * 1024;

export function tableName(number: number): string {
  return `${String(number).padStart(NAME_DIGITS, '0')}${TABLE_SUFFIX}`;
}

export function isTableName(name: string): boolean {
  return name.endsWith(TABLE_SUFFIX);
}

/**
 * Writes one table: blocks of rows, after every 64 of them a partition that says where they are and what they hash to,
 * at the end the index of partitions. It all goes through one piece of memory: a merge of large tables would otherwise
 * leave several times their bytes behind as garbage, faster than it is collected.
 */
export class TableWriter {
  readonly #path: string;
  readonly #number: number;
  readonly #file: StoredFile;
  /** What is not in the file yet. */
  #bytes: Buffer = Buffer.allocUnsafeSlow(WRITE_SIZE_BYTES + WRITE_SPARE_BYTES);
  #endBytes = 0;
  /** Up to there whole parts, behind it the rows of the block that is being filled. */
  #wholeBytes = 0;
  #rowStarts: number[] = [];
  /** Already in the file. */
  #offsetBytes = 0;
  #rowCount = 0;
  #keyHashes: number[] = [];
  #blocks: IndexEntry[] = [];
  readonly #partitions: IndexEntry[] = [];
  #lastKey = '';

  private constructor(path: string, number: number, file: StoredFile) {
    this.#path = path;
    this.#number = number;
    this.#file = file;
  }

  static async create(files: FileSystem, directory: string, number: number): Promise<TableWriter> {
    const path = join(directory, tableName(number));
    return new TableWriter(path, number, await files.open(path, 'create'));
  }

  /** @param entry - its key lies behind that of the row before; copied */
  add(entry: RowEntry): void {
    const sizeBytes = rowSizeBytes(entry);
    this.#reserve(sizeBytes);
    writeRow(this.#bytes, this.#endBytes, entry);
    this.#rowStarts.push(this.#endBytes - this.#wholeBytes);
    this.#endBytes += sizeBytes;
    this.#rowCount += 1;
    this.#keyHashes.push(hashKey(entry.key));
    this.#lastKey = entry.key;
    if (this.#endBytes - this.#wholeBytes >= BLOCK_SIZE_BYTES) this.#endBlock();
  }

  /** Whether so much has come together that `write` is due. */
  get isFull(): boolean {
    return this.#wholeBytes >= WRITE_SIZE_BYTES;
  }

  /** Nothing may be added until it resolves. */
  async write(): Promise<void> {
    const sizeBytes = this.#wholeBytes;
    if (sizeBytes === 0) return;
    const written = await this.#file.write([this.#bytes.subarray(0, sizeBytes)], this.#offsetBytes);
    if (written !== sizeBytes) throw shortWrite(this.#path, written, sizeBytes);
    this.#offsetBytes += sizeBytes;
    this.#bytes.copyWithin(0, sizeBytes, this.#endBytes);
    this.#endBytes -= sizeBytes;
    this.#wholeBytes = 0;
  }

  /** Durable on return, but for its name in the folder. */
  async finish(): Promise<TableDescription> {
    this.#endBlock();
    this.#endPartition();
    const root = this.#append(encodeIndex(this.#partitions));
    await this.write();
    await this.#file.sync();
    return { number: this.#number, sizeBytes: this.#offsetBytes, rows: this.#rowCount, root };
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #endBlock(): void {
    if (this.#rowStarts.length === 0) return;
    const sizeBytes = trailerSizeBytes(this.#rowStarts.length);
    this.#reserve(sizeBytes);
    writeTrailer(this.#bytes, this.#endBytes, this.#rowStarts);
    this.#endBytes += sizeBytes;
    this.#rowStarts = [];
    this.#blocks.push(this.#endPart());
    if (this.#blocks.length >= BLOCKS_PER_PARTITION) this.#endPartition();
  }

  #endPartition(): void {
    if (this.#blocks.length === 0) return;
    this.#partitions.push(this.#append(encodePartition(makeFilter(this.#keyHashes), this.#blocks)));
    this.#blocks = [];
    this.#keyHashes = [];
  }

  /** Between two blocks. */
  #append(part: Buffer): IndexEntry {
    this.#reserve(part.length);
    this.#bytes.set(part, this.#endBytes);
    this.#endBytes += part.length;
    return this.#endPart();
  }

  #endPart(): IndexEntry {
    const part = this.#bytes.subarray(this.#wholeBytes, this.#endBytes);
    const offsetBytes = this.#offsetBytes + this.#wholeBytes;
    this.#wholeBytes = this.#endBytes;
    return { lastKey: this.#lastKey, offsetBytes, sizeBytes: part.length, digest: blockDigest(part) };
  }

  #reserve(sizeBytes: number): void {
    const neededBytes = this.#endBytes + sizeBytes;
    if (neededBytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(neededBytes, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#endBytes);
    this.#bytes = larger;
  }
}
