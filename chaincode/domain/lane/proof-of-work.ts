import { bytesToHex, concatBytes, sha256, utf8ToBytes } from '../bytes.js';

/** Eight bytes, so that tag, header hash and nonce fill one block of SHA-256. */
const ENTRY_TAG = utf8ToBytes('medl/e/1');
const HASH_SPACE = 1n << 256n;

/**
 * SHA-256 over tag (8 bytes), header hash (32) and nonce (8).
 *
 * @returns 32 bytes in lower-case hex
 */
export function entryHash(headerHash: Uint8Array, nonce: Uint8Array): string {
  return bytesToHex(sha256(concatBytes(ENTRY_TAG, headerHash, nonce)));
}

/** The bytes whose hash is the entry hash, with the nonce still zero: what a solver works on. */
export function puzzleBytes(headerHash: Uint8Array): Uint8Array {
  return concatBytes(ENTRY_TAG, headerHash, new Uint8Array(8));
}

/** 2^256 / difficulty, rounded down: what an entry hash, read as a number, must be below. */
export function targetOf(difficulty: number): bigint {
  return HASH_SPACE / BigInt(difficulty);
}

/** True when the hash, read as a number, is below the target: "starts with zeros". */
export function meetsDifficulty(entryHashHex: string, difficulty: number): boolean {
  return BigInt(`0x${entryHashHex}`) < targetOf(difficulty);
}

/** The rule of the source papers (`is_valid_proof`): starts with zeros, and equals the recomputed hash. */
export function isValidProof(proof: {
  headerHash: Uint8Array;
  nonce: Uint8Array;
  entryHash: string;
  difficulty: number;
}): boolean {
  return (
    meetsDifficulty(proof.entryHash, proof.difficulty) && entryHash(proof.headerHash, proof.nonce) === proof.entryHash
  );
}
