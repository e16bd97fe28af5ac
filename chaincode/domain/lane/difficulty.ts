import { DIFFICULTY_MAX, DIFFICULTY_MIN, RETARGET_ENTRIES, RETARGET_FACTOR_MAX } from '../limits.js';

export interface RetargetInput {
  /** Expected hashes per entry until now. */
  readonly difficulty: number;
  /** Time from the first to the last of the window's entries. */
  readonly actualIntervalMs: number;
  /** Time one entry should take. */
  readonly targetIntervalMs: number;
}

/**
 * Bitcoin's rule, per lane: new = old × (entries × target) / actual, by at most a factor of four, in whole numbers.
 *
 * @returns expected hashes, from DIFFICULTY_MIN to DIFFICULTY_MAX
 * @see source paper 002, which prints the rule garbled
 */
export function retarget(input: RetargetInput): number {
  const old = BigInt(input.difficulty);
  // Entries may bear the same time: an interval of nothing counts as one millisecond.
  const actual = BigInt(Math.max(1, input.actualIntervalMs));
  const scaled = (old * BigInt(RETARGET_ENTRIES) * BigInt(input.targetIntervalMs)) / actual;
  const factor = BigInt(RETARGET_FACTOR_MAX);
  const bounded = clamp(scaled, old / factor, old * factor);
  return Number(clamp(bounded, BigInt(DIFFICULTY_MIN), BigInt(DIFFICULTY_MAX)));
}

/** True when the entry with this sequence is the first of a new window. */
export function isRetargetPlace(sequence: number): boolean {
  return sequence > 0 && sequence % RETARGET_ENTRIES === 0;
}

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  if (value < low) return low;
  return value > high ? high : value;
}
