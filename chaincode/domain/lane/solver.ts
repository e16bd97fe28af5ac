import { bytesToHex, uint64Bytes } from '../bytes.js';
import { invariant } from '../errors.js';
import { entryHash, meetsDifficulty, puzzleBytes, targetOf } from './proof-of-work.js';

// FIPS 180-4, section 5.3.3: the initial hash value, eight words.
const INITIAL = new Int32Array([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
// FIPS 180-4, section 4.2.2: one constant for each of the 64 rounds.
const ROUND = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);

const HIGH_WORD = 10;
const LOW_WORD = 11;
const LOW_WORDS = 2 ** 32;
/** Schedule words from here on all depend on the nonce's last word; of 16 to 23 only 18, 20 and 22 do. */
const LOOSE_WORDS = 24;

export interface Puzzle {
  /** 32 bytes. */
  readonly headerHash: Uint8Array;
  /** Expected number of attempts, at least 1. */
  readonly difficulty: number;
  /** First nonce tried; the ones after it follow in order, modulo 2^64. Default 0. */
  readonly startNonce?: bigint | number;
  /** Bound of the search. A search that found nothing goes on at startNonce + attemptsMax. */
  readonly attemptsMax: number;
}

export interface Solution {
  /** Eight bytes. */
  readonly nonceHex: string;
  /** Nonces tried, the solution among them. */
  readonly attempts: number;
}

/**
 * Looks for a nonce whose entry hash meets the difficulty. Blocks its thread: about five million attempts per second.
 *
 * Tag, header hash, nonce and padding are one block of SHA-256, of which an attempt changes the last word of the
 * nonce only: the eleven rounds before that word, and the schedule words that do not depend on it, are computed once.
 *
 * @returns undefined when none of `attemptsMax` nonces solves it
 */
export function solve(puzzle: Puzzle): Solution | undefined {
  const { headerHash, difficulty, attemptsMax } = puzzle;
  invariant(headerHash.length === 32, 'a header hash has 32 bytes');
  invariant(Number.isSafeInteger(attemptsMax), 'attempts are counted in whole numbers');
  const start = BigInt(puzzle.startNonce ?? 0);
  // A hash below the target has no first word above this; one with exactly this first word may lie on either side.
  const firstWordMax = Number(targetOf(difficulty) >> 224n);
  const search = newSearch(headerHash);
  for (let attempts = 0; attempts < attemptsMax; ) {
    const nonce = BigInt.asUintN(64, start + BigInt(attempts));
    const low = Number(nonce & 0xffffffffn);
    const count = Math.min(attemptsMax - attempts, LOW_WORDS - low);
    fixHighWord(search, Number(nonce >> 32n));
    const tried = tryLowWords(search, { low, count, firstWordMax });
    attempts += tried;
    const last = nonceBytes(start + BigInt(attempts) - 1n);
    if (meetsDifficulty(entryHash(headerHash, last), difficulty)) return { nonceHex: bytesToHex(last), attempts };
  }
  return undefined;
}

function nonceBytes(nonce: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, nonce));
  return bytes;
}

/** What attempts share; words are 32-bit integers in two's complement. */
interface Search {
  /** Message schedule: 16 words of the block, 48 that follow from them. */
  readonly schedule: Int32Array;
  /** The eight working variables before the round of the nonce's last word. */
  readonly state: Int32Array;
  /** The part of schedule words 18, 20 and 22 that does not depend on the nonce's last word. */
  readonly fixed: Int32Array;
}

function newSearch(headerHash: Uint8Array): Search {
  const bytes = new Uint8Array(64);
  const message = puzzleBytes(headerHash);
  bytes.set(message);
  // FIPS 180-4, section 5.1.1: a one bit, zeros, and the length in bits.
  bytes[message.length] = 0x80;
  bytes.set(uint64Bytes(message.length * 8), 56);
  const view = new DataView(bytes.buffer);
  const schedule = new Int32Array(64);
  for (let word = 0; word < 16; word++) schedule[word] = view.getInt32(word * 4);
  return { schedule, state: new Int32Array(8), fixed: new Int32Array(3) };
}

/** Sets the nonce's first word and computes everything that holds for all values of its last. */
function fixHighWord({ schedule, state, fixed }: Search, high: number): void {
  schedule[HIGH_WORD] = high;
  schedule[LOW_WORD] = 0;
  for (let word = 16; word < LOOSE_WORDS; word++) schedule[word] = nextWord(schedule, word);
  // With the last word at zero, word 18 is its own fixed part; 20 and 22 lose what 18 and 20 bring in.
  fixed[0] = at(schedule, 18);
  fixed[1] = at(schedule, 20) - lowerSigma1(at(schedule, 18));
  fixed[2] = at(schedule, 22) - lowerSigma1(at(schedule, 20));
  state.set(INITIAL);
  runRounds({ schedule, state }, 0, LOW_WORD);
}

/** @returns how many were tried: all of them, or up to and with the first whose hash may be below the target */
function tryLowWords(search: Search, range: { low: number; count: number; firstWordMax: number }): number {
  const { schedule, fixed } = search;
  const initial = at(INITIAL, 0);
  for (let tried = 0; tried < range.count; tried++) {
    const low = (range.low + tried) | 0;
    schedule[LOW_WORD] = low;
    const word18 = (at(fixed, 0) + low) | 0;
    const word20 = (at(fixed, 1) + lowerSigma1(word18)) | 0;
    schedule[18] = word18;
    schedule[20] = word20;
    schedule[22] = at(fixed, 2) + lowerSigma1(word20);
    if ((initial + runRounds(search, LOW_WORD, 64)) >>> 0 <= range.firstWordMax) return tried + 1;
  }
  return range.count;
}

/**
 * Rounds `from` to `to` of FIPS 180-4, section 6.2.2, with the schedule words made as they are needed.
 * Positional arguments, because this is the inner loop and must allocate nothing.
 *
 * @returns working variable `a`; the others are stored only when rounds are left
 */
function runRounds({ schedule, state }: Omit<Search, 'fixed'>, from: number, to: number): number {
  let a = at(state, 0);
  let b = at(state, 1);
  let c = at(state, 2);
  let d = at(state, 3);
  let e = at(state, 4);
  let f = at(state, 5);
  let g = at(state, 6);
  let h = at(state, 7);
  for (let round = from; round < to; round++) {
    if (round >= LOOSE_WORDS) schedule[round] = nextWord(schedule, round);
    const choice = g ^ (e & (f ^ g));
    const majority = (a & b) | (c & (a | b));
    const first = (h + upperSigma1(e) + choice + at(ROUND, round) + at(schedule, round)) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + upperSigma0(b) + majority) | 0;
  }
  if (to < 64) state.set([a, b, c, d, e, f, g, h]);
  return a;
}

function nextWord(schedule: Int32Array, word: number): number {
  const recent = lowerSigma1(at(schedule, word - 2)) + at(schedule, word - 7);
  return (recent + lowerSigma0(at(schedule, word - 15)) + at(schedule, word - 16)) | 0;
}

function at(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}

// FIPS 180-4, section 4.1.2. A rotation to the right by n is a shift right by n and a shift left by 32 - n.
function upperSigma0(x: number): number {
  return ((x >>> 2) | (x << 30)) ^ ((x >>> 13) | (x << 19)) ^ ((x >>> 22) | (x << 10));
}

function upperSigma1(x: number): number {
  return ((x >>> 6) | (x << 26)) ^ ((x >>> 11) | (x << 21)) ^ ((x >>> 25) | (x << 7));
}

function lowerSigma0(x: number): number {
  return ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
}

function lowerSigma1(x: number): number {
  return ((x >>> 17) | (x << 15)) ^ ((x >>> 19) | (x << 13)) ^ (x >>> 10);
}
