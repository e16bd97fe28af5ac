import { BLOCK_DIGEST_BYTES } from './row-block.js';

/** Where a part of a table lies, and what it must hash to. */
export interface IndexEntry {
  /** Greatest key in the part. */
  readonly lastKey: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly digest: Buffer;
}

/** Blocks that lie together, with a filter over the keys in them. */
export interface Partition {
  readonly filter: Buffer;
  readonly blocks: PackedIndex;
}

const COUNT_BYTES = 4;
const OFFSET_BYTES = 6;
const ENTRY_HEADER_BYTES = COUNT_BYTES + OFFSET_BYTES + COUNT_BYTES + BLOCK_DIGEST_BYTES;

/** Number of entries, then for each: length of the key, offset, size, digest, key. */
export function encodeIndex(entries: readonly IndexEntry[]): Buffer {
  const count = Buffer.alloc(COUNT_BYTES);
  count.writeUInt32BE(entries.length);
  const encoded = entries.map(({ lastKey, offsetBytes, sizeBytes, digest }) => {
    const bytes = Buffer.alloc(ENTRY_HEADER_BYTES + lastKey.length);
    bytes.writeUInt32BE(lastKey.length, 0);
    bytes.writeUIntBE(offsetBytes, COUNT_BYTES, OFFSET_BYTES);
    bytes.writeUInt32BE(sizeBytes, COUNT_BYTES + OFFSET_BYTES);
    bytes.set(digest, COUNT_BYTES + OFFSET_BYTES + COUNT_BYTES);
    bytes.write(lastKey, ENTRY_HEADER_BYTES, 'latin1');
    return bytes;
  });
  return Buffer.concat([count, ...encoded]);
}

/**
 * An index as it lies in its file, with its keys read out. A whole entry as an object of its own takes three times as
 * much: where many indexes are kept at hand, only the entries that are asked for are made.
 */
export class PackedIndex {
  readonly #bytes: Buffer;
  readonly #lastKeys: readonly string[];
  readonly #starts: readonly number[];

  /** @param bytes - their digest was checked */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const lastKeys: string[] = [];
    const starts: number[] = [];
    let offset = COUNT_BYTES;
    for (let left = bytes.readUInt32BE(0); left > 0; left -= 1) {
      const keyStart = offset + ENTRY_HEADER_BYTES;
      const keyEnd = keyStart + bytes.readUInt32BE(offset);
      lastKeys.push(bytes.toString('latin1', keyStart, keyEnd));
      starts.push(offset);
      offset = keyEnd;
    }
    this.#lastKeys = lastKeys;
    this.#starts = starts;
  }

  get count(): number {
    return this.#starts.length;
  }

  /** @returns undefined when there is no such entry */
  entry(index: number): IndexEntry | undefined {
    const start = this.#starts[index];
    const lastKey = this.#lastKeys[index];
    if (start === undefined || lastKey === undefined) return undefined;
    const keyStart = start + ENTRY_HEADER_BYTES;
    return {
      lastKey,
      offsetBytes: this.#bytes.readUIntBE(start + COUNT_BYTES, OFFSET_BYTES),
      sizeBytes: this.#bytes.readUInt32BE(start + COUNT_BYTES + OFFSET_BYTES),
      digest: this.#bytes.subarray(keyStart - BLOCK_DIGEST_BYTES, keyStart),
    };
  }

  entries(): IndexEntry[] {
    return this.#starts.flatMap((_start, index) => this.entry(index) ?? []);
  }

  /** Index of the first part that may hold a key that is not below the given one; the number of parts if none does. */
  find(key: string): number {
    return findKey(this.#lastKeys, key);
  }
}

/** Length of the filter, filter, index of the blocks. */
export function encodePartition(filter: Buffer, blocks: readonly IndexEntry[]): Buffer {
  const length = Buffer.alloc(COUNT_BYTES);
  length.writeUInt32BE(filter.length);
  return Buffer.concat([length, filter, encodeIndex(blocks)]);
}

/** @param bytes - their digest was checked */
export function decodePartition(bytes: Buffer): Partition {
  const filterEnd = COUNT_BYTES + bytes.readUInt32BE(0);
  return { filter: bytes.subarray(COUNT_BYTES, filterEnd), blocks: new PackedIndex(bytes.subarray(filterEnd)) };
}

function findKey(lastKeys: readonly string[], key: string): number {
  let low = 0;
  let high = lastKeys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lastKeys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
