import { hexToBytes } from '../bytes.js';
import { canonicalJson, parseCanonicalJson } from '../canonical-json.js';
import { invariant } from '../errors.js';
import {
  BUSINESS_JSON_CHARACTERS_MAX,
  DIFFICULTY_INITIAL,
  DIFFICULTY_MAX,
  DIFFICULTY_MIN,
  RETARGET_ENTRIES,
} from '../limits.js';
import { hex, integer, list, object, type Parse, timeMs } from '../shape.js';
import { append, EMPTY_ACCUMULATOR, rootOf } from './accumulator.js';
import { isRetargetPlace, retarget } from './difficulty.js';
import type { LaneEntry } from './entry.js';

/** The growing end of a lane: all that the next entry must know. */
export interface LaneHead {
  /** Entries in the lane, which is the sequence of the next one. */
  readonly sequence: number;
  /** Link of the last entry, or the genesis. */
  readonly previous: string;
  /** RFC 6962 peaks over the links of all entries. */
  readonly peaks: readonly string[];
  /** Expected hashes of the next entry. */
  readonly difficulty: number;
  readonly timeMs: number;
  /** Time of the first entry of the current retarget window. */
  readonly windowStartMs: number;
}

/** What a client solves against: the head, with the root in place of the peaks. */
export interface LaneTip {
  readonly sequence: number;
  readonly previous: string;
  readonly root: string;
  readonly difficulty: number;
}

export function firstHead(genesis: string): LaneHead {
  return { sequence: 0, previous: genesis, peaks: [], difficulty: DIFFICULTY_INITIAL, timeMs: 0, windowStartMs: 0 };
}

export function tipOf(head: LaneHead): LaneTip {
  const root = rootOf({ leafCount: head.sequence, peaks: head.peaks });
  return { sequence: head.sequence, previous: head.previous, root, difficulty: head.difficulty };
}

/** Solved at the floor: whoever reads in an emergency is not kept waiting, however busy the lane was. */
const FLOOR_TRANSACTION = 'access:emergency';

/** Expected hashes that an entry of this transaction needs, in a lane whose next entry would need `difficulty`. */
export function difficultyFor(transaction: string, difficulty: number): number {
  return transaction === FLOOR_TRANSACTION ? DIFFICULTY_MIN : difficulty;
}

/** What a call of this transaction is solved against. */
export function tipFor(transaction: string, tip: LaneTip): LaneTip {
  return { ...tip, difficulty: difficultyFor(transaction, tip.difficulty) };
}

/**
 * The head after one more entry. The lane's own difficulty goes on by its rule, whatever this entry was solved at.
 *
 * @param targetIntervalMs - from the on-chain configuration; asked for only where the next entry opens a window
 */
export function extendHead(head: LaneHead, entry: LaneEntry, targetIntervalMs: number): LaneHead {
  invariant(entry.sequence === head.sequence && entry.previous === head.previous, 'an entry extends the head it names');
  const before = head.sequence === 0 ? EMPTY_ACCUMULATOR : { leafCount: head.sequence, peaks: head.peaks };
  const { peaks } = append(before, hexToBytes(entry.link));
  const windowStartMs = entry.sequence % RETARGET_ENTRIES === 0 ? entry.timeMs : head.windowStartMs;
  const sequence = head.sequence + 1;
  const difficulty = isRetargetPlace(sequence)
    ? retarget({ difficulty: head.difficulty, actualIntervalMs: entry.timeMs - windowStartMs, targetIntervalMs })
    : head.difficulty;
  return { sequence, previous: entry.link, peaks, difficulty, timeMs: entry.timeMs, windowStartMs };
}

const parseFields: Parse<LaneHead> = object({
  sequence: integer({ min: 0, max: 2 ** 40 }),
  previous: hex(32),
  peaks: list(hex(32), { min: 0, max: 41 }),
  difficulty: integer({ min: DIFFICULTY_MIN, max: DIFFICULTY_MAX }),
  timeMs,
  windowStartMs: timeMs,
});

/** @throws DomainError when the stored bytes are not one canonical head */
export function parseLaneHead(stored: string): LaneHead {
  return parseFields(parseCanonicalJson(stored, BUSINESS_JSON_CHARACTERS_MAX), '');
}

export function formatLaneHead(head: LaneHead): string {
  return canonicalJson({ ...head });
}
