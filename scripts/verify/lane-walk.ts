import {
  endWalk,
  type LaneEntry,
  type LaneHead,
  parseLaneEntry,
  startWalk,
  stepWalk,
  type Walk,
  type WalkFault,
} from '@medledger/chaincode/domain';
import { DAMAGED, type StoredText } from './peer-state.js';

/** An entry as it lies in state; undefined where it cannot be read as one. */
export function readEntry(text: StoredText): LaneEntry | undefined {
  return typeof text === 'string' ? unlessInvalid(() => parseLaneEntry(text)) : undefined;
}

/** What domain parsers refuse was written by nobody who follows the rules: it counts as unreadable. */
export function unlessInvalid<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof Error && error.name === 'DomainError') return undefined;
    throw error;
  }
}

/**
 * The walk of one lane over rows in key order, from its genesis to its stored head. Only the first fault is kept: what
 * comes behind it stands on it.
 */
export class LaneWalk {
  #walk: Walk;
  #entries = 0;
  readonly #targetIntervalMs: number;

  constructor(genesis: string, targetIntervalMs: number) {
    this.#walk = startWalk(genesis);
    this.#targetIntervalMs = targetIntervalMs;
  }

  get fault(): WalkFault | undefined {
    return this.#walk.ok ? undefined : this.#walk.fault;
  }

  /** Rows looked at. */
  get entries(): number {
    return this.#entries;
  }

  /** Time that the next entry may not be earlier than; undefined behind a fault. */
  get timeMs(): number | undefined {
    return this.#walk.ok ? this.#walk.head.timeMs : undefined;
  }

  /** @param sequence - from the key, which the entry itself must agree with */
  step(sequence: number, entry: LaneEntry | undefined): void {
    this.#entries += 1;
    if (!this.#walk.ok) return;
    const expected = this.#walk.head.sequence;
    if (sequence !== expected) this.#walk = { ok: false, fault: { sequence: expected, reason: 'missing' } };
    else if (entry === undefined) this.#walk = { ok: false, fault: { sequence, reason: 'unreadable' } };
    else this.#walk = stepWalk(this.#walk, entry, this.#targetIntervalMs);
  }

  /**
   * @param stored - undefined where there is none
   * @returns the first fault, of an entry or of the head
   */
  end(stored: LaneHead | undefined | typeof DAMAGED): WalkFault | undefined {
    if (!this.#walk.ok) return this.#walk.fault;
    const { sequence } = this.#walk.head;
    if (stored === DAMAGED) return { sequence, reason: 'unreadable' };
    if (stored === undefined) return { sequence, reason: 'head' };
    const end = endWalk(this.#walk, stored);
    return end.ok ? undefined : end.fault;
  }
}

const FAULTS: Readonly<Record<WalkFault['reason'], string>> = {
  missing: 'the entry is missing',
  changed: 'hash, proof of work or link do not follow from what the entry says',
  unlinked: 'it does not follow the entry before it, or the lane’s genesis',
  head: 'the lane’s head is not the one its entries lead to',
  root: 'its root over the earlier entries is wrong',
  difficulty: 'it was solved at another difficulty than the rule asks for',
  time: 'it is earlier than the entry before it',
  unreadable: 'the stored bytes are damaged or no entry',
};

export function describeFault({ reason }: WalkFault): string {
  return FAULTS[reason];
}
