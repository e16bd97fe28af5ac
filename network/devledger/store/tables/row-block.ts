import { hash } from 'node:crypto';

/**
 * Rows of a table in key order. Per row: length of the key (4 bytes), length of the row (4; all ones for a deleted
 * key), key, row. Behind them where each row begins (4 bytes each) and their number (4). Numbers are big-endian; keys
 * are handed around as text of one byte per character, which JavaScript compares in byte order.
 */
export interface RowEntry {
  readonly key: string;
  /** Undefined where the key was deleted. */
  readonly row: Buffer | undefined;
}

const ROW_HEADER_BYTES = 8;
const NUMBER_BYTES = 4;
const DELETED = 0xffffffff;
/** SHA-256 cut to 128 bits, as for a row: a second preimage stays out of reach. */
export const BLOCK_DIGEST_BYTES = 16;

export function blockDigest(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer').subarray(0, BLOCK_DIGEST_BYTES);
}

export function rowSizeBytes({ key, row }: RowEntry): number {
  return ROW_HEADER_BYTES + key.length + (row?.length ?? 0);
}

/** @param target - has room for `rowSizeBytes` behind the offset */
export function writeRow(target: Buffer, offset: number, { key, row }: RowEntry): void {
  target.writeUInt32BE(key.length, offset);
  target.writeUInt32BE(row?.length ?? DELETED, offset + NUMBER_BYTES);
  target.write(key, offset + ROW_HEADER_BYTES, 'latin1');
  if (row !== undefined) target.set(row, offset + ROW_HEADER_BYTES + key.length);
}

export function trailerSizeBytes(rows: number): number {
  return (rows + 1) * NUMBER_BYTES;
}

/**
 * What ends a block.
 *
 * @param target - has room for `trailerSizeBytes` behind the offset
 * @param rowStarts - where each row begins in the block
 */
export function writeTrailer(target: Buffer, offset: number, rowStarts: readonly number[]): void {
  for (const [index, start] of rowStarts.entries()) target.writeUInt32BE(start, offset + index * NUMBER_BYTES);
  target.writeUInt32BE(rowStarts.length, offset + rowStarts.length * NUMBER_BYTES);
}

/** @param rows - encoded, in key order */
function encodeRowBlock(rows: readonly Buffer[]): Buffer {
  const starts: number[] = [];
  let offset = 0;
  for (const row of rows) {
    starts.push(offset);
    offset += row.length;
  }
  const trailer = Buffer.allocUnsafe(trailerSizeBytes(rows.length));
  writeTrailer(trailer, 0, starts);
  return Buffer.concat([...rows, trailer]);
}

/** A block whose digest was checked. */
export class RowBlock {
  readonly #bytes: Buffer;
  readonly #trailerOffset: number;
  readonly count: number;
  /** Whether the digest did not fit and rows were saved one by one. */
  readonly isDamaged: boolean;

  constructor(bytes: Buffer, isDamaged = false) {
    this.#bytes = bytes;
    this.isDamaged = isDamaged;
    this.count = bytes.readUInt32BE(bytes.length - NUMBER_BYTES);
    this.#trailerOffset = bytes.length - (this.count + 1) * NUMBER_BYTES;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  entry(index: number): RowEntry {
    const offset = this.#offsetOf(index);
    const key = this.#keyAt(offset);
    const length = this.#bytes.readUInt32BE(offset + NUMBER_BYTES);
    const start = offset + ROW_HEADER_BYTES + key.length;
    return { key, row: length === DELETED ? undefined : this.#bytes.subarray(start, start + length) };
  }

  /** Index of the first row whose key is not below the given one; the number of rows when there is none. */
  lowerBound(key: string): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keyAt(this.#offsetOf(middle)) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #offsetOf(index: number): number {
    return this.#bytes.readUInt32BE(this.#trailerOffset + index * NUMBER_BYTES);
  }

  #keyAt(offset: number): string {
    const start = offset + ROW_HEADER_BYTES;
    return this.#bytes.toString('latin1', start, start + this.#bytes.readUInt32BE(offset));
  }
}

/**
 * The rows of a block whose digest does not fit, as far as lengths and order can be believed. Each still has to be held
 * against its own digest. For the verifier, which names the rows that were hit; nothing else reads such a block.
 *
 * @param lastKey - greatest key in the block, from the index
 */
export function salvageRows(bytes: Buffer, lastKey: string): RowBlock {
  const rows: Buffer[] = [];
  let previous: string | undefined;
  let offset = 0;
  while (offset + ROW_HEADER_BYTES <= bytes.length) {
    const keyEnd = offset + ROW_HEADER_BYTES + bytes.readUInt32BE(offset);
    const rowBytes = bytes.readUInt32BE(offset + NUMBER_BYTES);
    const end = keyEnd + (rowBytes === DELETED ? 0 : rowBytes);
    if (end > bytes.length) break;
    const key = bytes.toString('latin1', offset + ROW_HEADER_BYTES, keyEnd);
    if (key > lastKey || (previous !== undefined && key <= previous)) break;
    rows.push(bytes.subarray(offset, end));
    previous = key;
    offset = end;
  }
  return new RowBlock(encodeRowBlock(rows), true);
}
