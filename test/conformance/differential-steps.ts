import { CALLEE, GOVERNMENT, HOSPITAL_A, HOSPITAL_B, PEERS } from './ledger-under-test.js';
import type { StubCall } from './member-client.js';

/** One thing to do on both ledgers. Steps name earlier ones by their number. */
export type Step =
  /** Endorse, submit, and wait. */
  | { readonly kind: 'submit'; readonly run: readonly StubCall[]; readonly named?: readonly string[] }
  /** Endorse and keep. */
  | { readonly kind: 'endorse'; readonly run: readonly StubCall[] }
  /** Submit what a step endorsed, perhaps again. */
  | { readonly kind: 'commit'; readonly of: number }
  /** Endorse, alter, submit. */
  | { readonly kind: 'tamper'; readonly run: readonly StubCall[]; readonly how: Tampering }
  | { readonly kind: 'evaluate'; readonly run: readonly StubCall[]; readonly named?: readonly string[] };

export const TAMPERINGS = [
  'results',
  'response',
  'arguments',
  'twice-the-same',
  'no-endorsements',
  'one-endorsement',
] as const;
export type Tampering = (typeof TAMPERINGS)[number];

/** One, or with the peer that is asked: which of several others Fabric takes is for it to say. */
const EVALUATORS = [[HOSPITAL_A], [HOSPITAL_B], [HOSPITAL_A, GOVERNMENT]];
const KEY_ENDORSERS = [[HOSPITAL_A], [HOSPITAL_B], [HOSPITAL_A, HOSPITAL_B], [HOSPITAL_B, GOVERNMENT], [...PEERS]];
const KEYS = 24;
const LISTS = 3;
/** Keys with policies of their own, private keys: fewer, so that they meet. */
const GUARDED_KEYS = 5;
const PRIVATE_KEYS = 6;
const COLLECTIONS = ['hospitals', 'closed', 'fleeting', 'by-one', `_implicit_org_${HOSPITAL_A}`];
const HELD_MAX = 6;

/**
 * Steps made from a seed, always the same for the same one: writes, reads, ranges short and long, private data, keys
 * with policies, calls of another chaincode, transactions held back until others have overtaken them, replays,
 * forgeries, refusals.
 */
export class StepGenerator {
  readonly #random: () => number;
  /** Steps whose transaction was endorsed and not submitted. */
  readonly #held: number[] = [];
  readonly #submitted: number[] = [];
  #made = 0;

  constructor(seed: number) {
    this.#random = mulberry32(seed);
  }

  next(): Step {
    const step = this.#step();
    if (step.kind === 'endorse') this.#held.push(this.#made);
    this.#made += 1;
    return step;
  }

  #step(): Step {
    const chance = this.#random();
    if (this.#held.length >= HELD_MAX || (chance < 0.16 && this.#held.length > 0)) return this.#overdue();
    if (chance < 0.34) return { kind: 'endorse', run: this.#calls() };
    if (chance < 0.38 && this.#submitted.length > 0) return { kind: 'commit', of: this.#pick(this.#submitted) };
    if (chance < 0.46) return { kind: 'tamper', run: this.#calls(), how: this.#pick(TAMPERINGS) };
    if (chance < 0.56) return this.#query();
    if (chance < 0.64) return { kind: 'submit', run: [this.#failure()] };
    if (chance < 0.74) return { kind: 'submit', run: this.#calls(), named: this.#organisations() };
    return { kind: 'submit', run: this.#calls() };
  }

  #overdue(): Step {
    const [of = 0] = this.#held.splice(Math.floor(this.#random() * this.#held.length), 1);
    this.#submitted.push(of);
    return { kind: 'commit', of };
  }

  #query(): Step {
    const run = this.#random() < 0.3 ? [this.#failure()] : this.#reads();
    return this.#random() < 0.3 ? { kind: 'evaluate', run, named: this.#pick(EVALUATORS) } : { kind: 'evaluate', run };
  }

  #calls(): StubCall[] {
    return [
      ...this.#reads().slice(0, this.#number(3)),
      ...Array.from({ length: 1 + this.#number(3) }, () => this.#write()),
    ];
  }

  #reads(): StubCall[] {
    return Array.from({ length: 1 + this.#number(3) }, () => this.#read());
  }

  #write(): StubCall {
    const value = `v${this.#made}`;
    const calls: readonly (() => StubCall)[] = [
      () => ['put', this.#key(), value],
      () => ['put', this.#key(), value],
      () => ['put', this.#key(), this.#random() < 0.1 ? '' : value],
      () => ['delete', this.#key()],
      () => ['putMany', this.#list(), 1 + this.#number(120)],
      () => ['putComposite', 'visit', [`p${this.#number(3)}`, `d${this.#number(4)}`], value],
      () => ['event', `e${this.#number(3)}`, value],
      () => ['put', this.#guarded(), value],
      () => ['setPolicy', this.#guarded(), this.#pick(KEY_ENDORSERS)],
      () => ['delete', this.#guarded()],
      () => ['putPrivate', this.#pick(COLLECTIONS), this.#private(), value],
      () => ['putPrivate', this.#pick(COLLECTIONS), this.#private(), value],
      () => this.#privateChange(),
      () => this.#invoke(['put', this.#key(), value]),
    ];
    return this.#pick(calls)();
  }

  #read(): StubCall {
    const calls: readonly (() => StubCall)[] = [
      () => ['get', this.#key()],
      () => ['get', this.#key()],
      () => ['range', this.#key(), this.#key()],
      () => ['range', 'k', 'l'],
      () => ['range', this.#list(), 'list~'],
      () => ['range', this.#list(), 'list~', 1 + this.#number(120)],
      () => ['rangeComposite', 'visit', [`p${this.#number(3)}`]],
      () => ['rangeComposite', 'visit', []],
      () => ['history', this.#key()],
      () => ['attempt', ['page', 'list', 'list~', 1 + this.#number(60), '']],
      () => ['attempt', ['query', '{"selector":{}}']],
      () => ['policy', this.#guarded()],
      () => ['get', this.#guarded()],
      () => this.#privateRead(),
      () => this.#privateRead(),
      () => this.#invoke(['get', this.#key()]),
    ];
    return this.#pick(calls)();
  }

  #privateChange(): StubCall {
    const collection = this.#pick(COLLECTIONS);
    const changes: readonly (() => StubCall)[] = [
      () => ['deletePrivate', collection, this.#private()],
      () => ['purgePrivate', collection, this.#private()],
      () => ['setPrivatePolicy', collection, this.#private(), this.#pick(KEY_ENDORSERS)],
    ];
    return this.#pick(changes)();
  }

  #privateRead(): StubCall {
    const collection = this.#pick(COLLECTIONS);
    const reads: readonly (() => StubCall)[] = [
      () => ['private', collection, this.#private()],
      () => ['privateHash', collection, this.#private()],
      () => ['privatePolicy', collection, this.#private()],
      () => ['attempt', ['rangePrivate', collection, '', '']],
    ];
    return this.#pick(reads)();
  }

  #invoke(call: StubCall): StubCall {
    return ['invoke', CALLEE, ['run', JSON.stringify([call])]];
  }

  #failure(): StubCall {
    const calls: readonly (() => StubCall)[] = [
      () => ['answer', 400 + this.#number(150), `CODE_${this.#made}: no`],
      () => ['answer', 200, 'well'],
      () => ['refuse', this.#pick(PEERS), 'REFUSED: here'],
      () => ['differ', this.#pick(PEERS)],
      () => ['put', '', 'x'],
      () => ['nonsense'],
      () => ['putPrivate', 'demanding', this.#private(), 'x'],
      () => ['private', 'nowhere', this.#private()],
      () => ['invoke', 'nobody', ['run', '[]']],
      () => this.#invoke(['answer', 404, 'NOT_THERE: no']),
    ];
    return this.#pick(calls)();
  }

  #organisations(): string[] {
    const sets = [[HOSPITAL_A], [HOSPITAL_B], [HOSPITAL_A, GOVERNMENT], [HOSPITAL_B, GOVERNMENT], [...PEERS]];
    return this.#pick(sets);
  }

  #key(): string {
    return `k${String(this.#number(KEYS)).padStart(2, '0')}`;
  }

  #guarded(): string {
    return `g${this.#number(GUARDED_KEYS)}`;
  }

  #private(): string {
    return `p${this.#number(PRIVATE_KEYS)}`;
  }

  #list(): string {
    return `list${this.#number(LISTS)}-`;
  }

  #number(below: number): number {
    return Math.floor(this.#random() * below);
  }

  #pick<Item>(items: readonly Item[]): Item {
    const item = items[this.#number(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

/** @see https://github.com/cprosche/mulberry32 */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
