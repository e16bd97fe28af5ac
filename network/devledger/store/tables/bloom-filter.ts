const BITS_PER_KEY = 10;
/** ln 2 times the bits per key: about one absent key in a hundred passes. */
const PROBES = 7;

/** Tells which keys are certainly not in a part of a table. Its bytes are trusted: they lie under a digest. */
export function makeFilter(keyHashes: readonly number[]): Buffer {
  const bytes = Buffer.alloc(Math.max(8, Math.ceil((keyHashes.length * BITS_PER_KEY) / 8)));
  for (const keyHash of keyHashes) {
    for (let probe = 0; probe < PROBES; probe += 1) {
      const bit = probeOf(keyHash, probe, bytes.length * 8);
      bytes.writeUInt8(bytes.readUInt8(bit >>> 3) | (1 << (bit & 7)), bit >>> 3);
    }
  }
  return bytes;
}

/** @returns false when no key with this hash was put in */
export function mayHold(filter: Buffer, keyHash: number): boolean {
  for (let probe = 0; probe < PROBES; probe += 1) {
    const bit = probeOf(keyHash, probe, filter.length * 8);
    if ((filter.readUInt8(bit >>> 3) & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}

/** FNV-1a of one byte per character, 32 bits. */
export function hashKey(key: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) {
    value = Math.imul(value ^ key.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

/** @see Kirsch and Mitzenmacher, Less Hashing, Same Performance: two hashes make all probes */
function probeOf(keyHash: number, probe: number, bits: number): number {
  const step = Math.imul(keyHash ^ (keyHash >>> 15), 0x2c1b3c6d) | 1;
  return ((keyHash + Math.imul(step, probe)) >>> 0) % bits;
}
