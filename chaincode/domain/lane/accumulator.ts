import { bytesToHex, concatBytes, hexToBytes, sha256 } from '../bytes.js';
import { invariant } from '../errors.js';

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

/**
 * The right edge of an RFC 6962 tree: one peak for each bit of the leaf count, largest first, as lower-case hex.
 * Enough to append a leaf and to tell the root, in O(log n) space and time.
 */
export interface Accumulator {
  readonly leafCount: number;
  readonly peaks: readonly string[];
}

export const EMPTY_ACCUMULATOR: Accumulator = { leafCount: 0, peaks: [] };

/** @see RFC 6962 section 2.1: MTH({d}) = SHA-256(0x00 || d) */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF, leaf));
}

/** @see RFC 6962 section 2.1: SHA-256(0x01 || left || right) */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE, left, right));
}

export function append(accumulator: Accumulator, leaf: Uint8Array): Accumulator {
  const peaks = accumulator.peaks.map(hexToBytes);
  pushLeaf(peaks, accumulator.leafCount, leaf);
  return { leafCount: accumulator.leafCount + 1, peaks: peaks.map(bytesToHex) };
}

/** The accumulator of all these leaves, in their order. */
export function accumulate(leaves: readonly Uint8Array[]): Accumulator {
  const peaks: Uint8Array[] = [];
  for (const [leafCount, leaf] of leaves.entries()) pushLeaf(peaks, leafCount, leaf);
  return { leafCount: leaves.length, peaks: peaks.map(bytesToHex) };
}

function pushLeaf(peaks: Uint8Array[], leafCount: number, leaf: Uint8Array): void {
  let carried = leafHash(leaf);
  for (let count = leafCount; count % 2 === 1; count = (count - 1) / 2) {
    const left = peaks.pop();
    invariant(left !== undefined, 'an accumulator has a peak for each bit of its count');
    carried = nodeHash(left, carried);
  }
  peaks.push(carried);
}

/**
 * Root over all leaves, lower-case hex.
 *
 * @returns SHA-256 of nothing for an empty tree, as RFC 6962 has it
 */
export function rootOf(accumulator: Accumulator): string {
  const [smallest, ...larger] = [...accumulator.peaks].reverse().map(hexToBytes);
  if (smallest === undefined) return bytesToHex(sha256(new Uint8Array(0)));
  return bytesToHex(larger.reduce((right, left) => nodeHash(left, right), smallest));
}

/** True when the number of peaks is what the leaf count asks for. */
export function isWellFormed(accumulator: Accumulator): boolean {
  let bits = 0;
  for (let count = accumulator.leafCount; count > 0; count = Math.floor(count / 2)) bits += count % 2;
  return bits === accumulator.peaks.length;
}
