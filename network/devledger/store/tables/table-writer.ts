import { join } from 'node:path';
import { type FileSystem, type StoredFile, shortWrite } from '../file-system.js';
import { hashKey, makeFilter } from './bloom-filter.js';
import { blockDigest, encodeRow, encodeRowBlock, type RowEntry } from './row-block.js';
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

export function tableName(number: number): string {
  return `${String(number).padStart(NAME_DIGITS, '0')}${TABLE_SUFFIX}`;
}

export function isTableName(name: string): boolean {
  return name.endsWith(TABLE_SUFFIX);
}

/**
 * Writes one table: blocks of rows, after every 64 of them a partition that says where they are and what they hash to,
 * at the end the index of partitions.
 */
export class TableWriter {
  readonly #path: string;
  readonly #number: number;
  readonly #file: StoredFile;
  #unwritten: Buffer[] = [];
  #unwrittenBytes = 0;
  #offsetBytes = 0;
  #rows: Buffer[] = [];
  #rowsBytes = 0;
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

  /** @param entry - its key lies behind that of the row before */
  add(entry: RowEntry): void {
    const row = encodeRow(entry);
    this.#rows.push(row);
    this.#rowsBytes += row.length;
    this.#rowCount += 1;
    this.#keyHashes.push(hashKey(entry.key));
    this.#lastKey = entry.key;
    if (this.#rowsBytes >= BLOCK_SIZE_BYTES) this.#endBlock();
  }

  /** Whether so much has come together that `write` is due. */
  get isFull(): boolean {
    return this.#unwrittenBytes >= WRITE_SIZE_BYTES;
  }

  async write(): Promise<void> {
    const parts = this.#unwritten;
    const sizeBytes = this.#unwrittenBytes;
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
    if (sizeBytes === 0) return;
    const written = await this.#file.write(parts, this.#offsetBytes);
    if (written !== sizeBytes) throw shortWrite(this.#path, written, sizeBytes);
    this.#offsetBytes += sizeBytes;
  }

  /** Durable on return, but for its name in the folder. */
  async finish(): Promise<TableDescription> {
    this.#endBlock();
    this.#endPartition();
    const root = this.#place(encodeIndex(this.#partitions));
    await this.write();
    await this.#file.sync();
    return { number: this.#number, sizeBytes: this.#offsetBytes, rows: this.#rowCount, root };
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #endBlock(): void {
    if (this.#rows.length === 0) return;
    this.#blocks.push(this.#place(encodeRowBlock(this.#rows)));
    this.#rows = [];
    this.#rowsBytes = 0;
    if (this.#blocks.length >= BLOCKS_PER_PARTITION) this.#endPartition();
  }

  #endPartition(): void {
    if (this.#blocks.length === 0) return;
    this.#partitions.push(this.#place(encodePartition(makeFilter(this.#keyHashes), this.#blocks)));
    this.#blocks = [];
    this.#keyHashes = [];
  }

  #place(bytes: Buffer): IndexEntry {
    const offsetBytes = this.#offsetBytes + this.#unwrittenBytes;
    this.#unwritten.push(bytes);
    this.#unwrittenBytes += bytes.length;
    return { lastKey: this.#lastKey, offsetBytes, sizeBytes: bytes.length, digest: blockDigest(bytes) };
  }
}
