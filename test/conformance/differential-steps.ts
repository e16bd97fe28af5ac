import { Random } from '../faults/random.js';
import {
  type Act,
  COLLECTIONS,
  GUARDED_KEYS,
  KEYS,
  keyOf,
  MALFORMATIONS,
  MEMBERS,
  PRIVATE_KEYS,
  type Step,
  STUCK,
  TAMPERINGS,
} from './differential-kinds.js';
import { ODD_KEYS, oddCall, onCallee } from './differential-odd-calls.js';
import { GOVERNMENT, HOSPITAL_A, HOSPITAL_B, INSURER, PEERS } from './ledger-under-test.js';
import type { StubCall } from './member-client.js';

/** One, or with the peer that is asked: which of several others Fabric takes is for it to say. */
const EVALUATORS = [[HOSPITAL_A], [HOSPITAL_B], [HOSPITAL_A, GOVERNMENT]];
const KEY_ENDORSERS = [[HOSPITAL_A], [HOSPITAL_B], [HOSPITAL_A, HOSPITAL_B], [HOSPITAL_B, GOVERNMENT], [...PEERS]];
const LISTS = 3;
const HELD_MAX = 6;
const BURST_MAX = 6;
/** In the text of a call, also of one within another. */
const ENDS_KEY = /"(delete|deletePrivate|purgePrivate)\\?"/;
const SETS_POLICY = /"set(Private)?Policy\\?"/;
/**
 * Steps made from a seed, always the same for the same one: writes, reads, ranges short and long, private data, keys
 * with policies, calls of another chaincode, transactions held back until others have overtaken them, replays,
 * forgeries, refusals.
 */
export class StepGenerator {
  readonly #random: Random;
  /** Steps whose transaction was endorsed and not submitted. */
  readonly #held: number[] = [];
  /** Those of them that end keys or set policies. */
  readonly #unfit = new Set<number>();
  readonly #submitted: number[] = [];
  #made = 0;

  /** As often as they stand here. */
  readonly #oneByOne: readonly (() => Step)[] = [
    // Named, so that a policy set in between does not meet whom either ledger has chosen.
    ...repeated(5, (): Step => ({ kind: 'endorse', ...this.#act(), named: this.#organisations() })),
    ...repeated(2, (): Step => ({ kind: 'tamper', run: this.#calls(), how: this.#pick(TAMPERINGS) })),
    ...repeated(4, () => this.#query()),
    (): Step => ({ kind: 'malformed', run: this.#calls(), how: this.#pick(MALFORMATIONS) }),
    ...repeated(3, (): Step => ({ kind: 'submit', run: [this.#failure()] })),
    ...repeated(3, (): Step => ({ kind: 'submit', run: this.#calls(), named: this.#organisations() })),
    ...repeated(3, (): Step => ({ kind: 'submit', ...this.#act() })),
  ];

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  next(): Step {
    const step = this.#step();
    if (step.kind === 'endorse') {
      this.#held.push(this.#made);
      if (step.run.some((call) => ENDS_KEY.test(JSON.stringify(call)) || SETS_POLICY.test(JSON.stringify(call)))) {
        this.#unfit.add(this.#made);
      }
    }
    this.#made += 1;
    return step;
  }

  #step(): Step {
    const chance = this.#random.next();
    if (chance < 0.2) return this.#burst();
    if (this.#held.length >= HELD_MAX || (chance < 0.32 && this.#held.length > 0)) return this.#overdue();
    if (chance < 0.36 && this.#submitted.length > 0) return { kind: 'commit', of: this.#pick(this.#submitted) };
    return this.#pick(this.#oneByOne)();
  }

  /** Mostly Hospital A's member; sometimes another one, sometimes with transient data. */
  #act(): Act {
    const chance = this.#random.next();
    if (chance < 0.12) return { run: this.#calls(), as: this.#pick(MEMBERS) };
    if (chance < 0.24) {
      const [collection, key] = [this.#pick(COLLECTIONS), this.#private()];
      return { run: [['putSecret', collection, key]], transient: { [key]: `secret of ${this.#made}` } };
    }
    return { run: this.#calls() };
  }

  /**
   * Few keys, so that they meet, and policies beside writes to the same keys, or ends of them: where a transaction sets
   * the policy of a key that one before it in the block has deleted, every peer of Fabric 3.1.5 stops for good.
   */
  #burst(): Step {
    const not = this.#random.chance(0.5) ? ENDS_KEY : SETS_POLICY;
    const acts = Array.from({ length: 2 + this.#number(BURST_MAX - 1) }, () => without(not, this.#contending()));
    const of = this.#random.chance(0.5) ? this.#held.filter((held) => !this.#unfit.has(held)).slice(0, 2) : [];
    for (const held of of) this.#held.splice(this.#held.indexOf(held), 1);
    this.#submitted.push(...of);
    return { kind: 'burst', of, acts };
  }

  #contending(): Act {
    const [key, guarded, hidden, value] = [
      keyOf(this.#number(3)),
      `g${this.#number(2)}`,
      `p${this.#number(2)}`,
      `b${this.#made}`,
    ];
    const collection = this.#pick(COLLECTIONS);
    const runs: readonly (() => StubCall[])[] = [
      () => [
        ['get', key],
        ['put', key, value],
      ],
      () => [
        ['put', key, value],
        ['event', 'burst', value],
      ],
      () => [['delete', key]],
      () => [
        ['range', 'k00', 'k03'],
        ['put', guarded, value],
      ],
      () => [['setPolicy', guarded, this.#pick(KEY_ENDORSERS)]],
      () => [['put', guarded, value]],
      () => [
        ['policy', guarded],
        ['put', key, value],
      ],
      () => [['putPrivate', collection, hidden, value]],
      () => [
        ['privateHash', collection, hidden],
        ['putPrivate', collection, hidden, value],
      ],
      () => [['purgePrivate', collection, hidden]],
      () => [
        ['deletePrivate', collection, hidden],
        ['put', key, value],
      ],
      () => [['setPrivatePolicy', collection, hidden, this.#pick(KEY_ENDORSERS)]],
      () => [onCallee(['put', key, value]), ['put', key, value]],
      () => this.#calls(),
    ];
    const run = this.#pick(runs)();
    return this.#random.next() < 0.4 ? { run, named: this.#organisations() } : { run };
  }

  #overdue(): Step {
    const [of = 0] = this.#held.splice(Math.floor(this.#random.next() * this.#held.length), 1);
    this.#submitted.push(of);
    return { kind: 'commit', of };
  }

  #query(): Step {
    const run = this.#random.next() < 0.3 ? [this.#failure()] : [...this.#reads(), oddCall(this.#random)];
    if (this.#random.next() < 0.2) return { kind: 'evaluate', run, as: this.#pick(MEMBERS) };
    return this.#random.next() < 0.3
      ? { kind: 'evaluate', run, named: this.#pick(EVALUATORS) }
      : { kind: 'evaluate', run };
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
      () => ['put', this.#key(), this.#random.next() < 0.1 ? '' : value],
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
      () => onCallee(['put', this.#key(), value]),
      () => onCallee(['event', 'inner', value]),
      () => ['setPolicy', STUCK, [this.#pick([INSURER, HOSPITAL_A])]],
      () => ['put', STUCK, value],
      () => ['attempt', ['put', this.#random.oneOf(ODD_KEYS), value]],
      () => ['attempt', ['setPolicy', this.#key(), this.#pick(KEY_ENDORSERS)]],
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
      () => onCallee(['get', this.#key()]),
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
      () => onCallee(['answer', 404, 'NOT_THERE: no']),
    ];
    return this.#pick(calls)();
  }

  #organisations(): string[] {
    const sets = [[HOSPITAL_A], [HOSPITAL_B], [HOSPITAL_A, GOVERNMENT], [HOSPITAL_B, GOVERNMENT], [...PEERS]];
    return this.#pick(sets);
  }

  #key(): string {
    return keyOf(this.#number(KEYS));
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
    return this.#random.below(below);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return this.#random.oneOf(items);
  }
}

function repeated<Item>(times: number, item: Item): Item[] {
  return Array.from({ length: times }, () => item);
}

function without(calls: RegExp, act: Act): Act {
  return { ...act, run: act.run.filter((call) => !calls.test(JSON.stringify(call))) };
}
