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
  readonly blocks: readonly IndexEntry[];
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

/** @param bytes - their digest was checked */
export function decodeIndex(bytes: Buffer): IndexEntry[] {
  const entries: IndexEntry[] = [];
  let offset = COUNT_BYTES;
  for (let left = bytes.readUInt32BE(0); left > 0; left -= 1) {
    const keyBytes = bytes.readUInt32BE(offset);
    const keyStart = offset + ENTRY_HEADER_BYTES;
    entries.push({
      lastKey: bytes.toString('latin1', keyStart, keyStart + keyBytes),
      offsetBytes: bytes.readUIntBE(offset + COUNT_BYTES, OFFSET_BYTES),
      sizeBytes: bytes.readUInt32BE(offset + COUNT_BYTES + OFFSET_BYTES),
      digest: bytes.subarray(keyStart - BLOCK_DIGEST_BYTES, keyStart),
    });
    offset = keyStart + keyBytes;
  }
  return entries;
}

/** Length of the filter, filter, index of the blocks. */
export function encodePartition({ filter, blocks }: Partition): Buffer {
  const length = Buffer.alloc(COUNT_BYTES);
  length.writeUInt32BE(filter.length);
  return Buffer.concat([length, filter, encodeIndex(blocks)]);
}

/** @param bytes - their digest was checked */
export function decodePartition(bytes: Buffer): Partition {
  const filterEnd = COUNT_BYTES + bytes.readUInt32BE(0);
  return { filter: bytes.subarray(COUNT_BYTES, filterEnd), blocks: decodeIndex(bytes.subarray(filterEnd)) };
}

/** Index of the first part that may hold a key that is not below the given one; the number of parts if none does. */
export function findPart(entries: readonly IndexEntry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.lastKey ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
