import type { Conflict } from './ledger-failure.js';

/** Counted since start. */
export interface LaneMetrics {
  /** Committed as VALID. */
  transactions: number;
  /** New transactions made because an earlier one met a conflict. */
  retries: number;
  readonly conflicts: { [kind in Conflict]: number };
  noncesSolved: number;
  nonceAttempts: number;
  /** Wall time, waiting for a thread included. */
  solvingMs: number;
  /** Records that were asked to be opened. */
  openings: number;
  /** Transactions that opened them. */
  openingTransactions: number;
}

export function newLaneMetrics(): LaneMetrics {
  return {
    transactions: 0,
    retries: 0,
    conflicts: { 'stale-head': 0, mvcc: 0, phantom: 0, mismatch: 0 },
    noncesSolved: 0,
    nonceAttempts: 0,
    solvingMs: 0,
    openings: 0,
    openingTransactions: 0,
  };
}
