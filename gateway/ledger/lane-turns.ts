import type { LaneTip } from '@medledger/chaincode/domain';
import { LedgerFailure } from './ledger-failure.js';

/** The growing end of one lane, as this gateway last saw it. */
export interface Lane {
  /** Undefined when it must be asked for. */
  tip: LaneTip | undefined;
}

interface Turns {
  readonly lane: Lane;
  /** Settles when the last of those who wait has had its turn. */
  last: Promise<unknown>;
  waiting: number;
}

export interface LaneTurnsOptions {
  /** Lanes whose tip is remembered. */
  readonly lanesMax: number;
  /** Callers that may wait for one lane. */
  readonly waitingMax: number;
}

/** One at a time for each lane: two transactions in flight would only invalidate each other. */
export class LaneTurns {
  readonly #options: LaneTurnsOptions;
  /** Least recently used first. */
  readonly #lanes = new Map<string, Turns>();

  constructor(options: LaneTurnsOptions) {
    this.#options = options;
  }

  /** @throws LedgerFailure OVERLOADED when too many wait for this lane already */
  async take<T>(laneKey: string, work: (lane: Lane) => Promise<T>): Promise<T> {
    const turns = this.#turnsOf(laneKey);
    if (turns.waiting >= this.#options.waitingMax)
      throw new LedgerFailure('OVERLOADED', `${turns.waiting} transactions of this member and patient are waiting`);
    turns.waiting += 1;
    const turn = turns.last.then(() => work(turns.lane));
    // Whoever comes next waits for the end of this turn, not for its success.
    turns.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      turns.waiting -= 1;
      this.#forgetOldest();
    }
  }

  #turnsOf(laneKey: string): Turns {
    const turns = this.#lanes.get(laneKey) ?? { lane: { tip: undefined }, last: Promise.resolve(), waiting: 0 };
    this.#lanes.delete(laneKey);
    this.#lanes.set(laneKey, turns);
    return turns;
  }

  #forgetOldest(): void {
    for (const [laneKey, { waiting }] of this.#lanes) {
      if (this.#lanes.size <= this.#options.lanesMax) return;
      if (waiting === 0) this.#lanes.delete(laneKey);
    }
  }
}
