import { CALLEE, GOVERNMENT, HOSPITAL_A, INSURER } from './ledger-under-test.js';
import type { StubCall } from './member-client.js';

/** What a transaction is to do, endorsed by the organisations named, or by those that the peer chooses. */
export interface Act {
  readonly run: readonly StubCall[];
  readonly named?: readonly string[];
  /** MSP id of the member that asks; Hospital A where left out. */
  readonly as?: string;
  readonly transient?: Readonly<Record<string, string>>;
}

/** One thing to do on both ledgers. Steps name earlier ones by their number. */
export type Step =
  /** Endorse, submit, and wait. */
  | ({ readonly kind: 'submit' } & Act)
  /** Endorse and keep. */
  | ({ readonly kind: 'endorse' } & Act)
  /** Submit what a step endorsed, perhaps again. */
  | { readonly kind: 'commit'; readonly of: number }
  /** Endorse, alter, submit. */
  | ({ readonly kind: 'tamper'; readonly how: Tampering } & Act)
  | ({ readonly kind: 'evaluate' } & Act)
  /** Endorse all against the same state, then submit what was kept and them, in this order, into one block. */
  | { readonly kind: 'burst'; readonly of: readonly number[]; readonly acts: readonly Act[] }
  /** A proposal that no client library makes. */
  | ({ readonly kind: 'malformed'; readonly how: Malformation } & Act);

export const TAMPERINGS = [
  'results',
  'response',
  'arguments',
  'twice-the-same',
  'no-endorsements',
  'one-endorsement',
] as const;
export type Tampering = (typeof TAMPERINGS)[number];

export const MALFORMATIONS = [
  'channel',
  'type',
  'tx-id',
  'epoch',
  'nonce',
  'creator',
  'extension',
  'signature',
] as const;
export type Malformation = (typeof MALFORMATIONS)[number];

/** Who asks, Hospital A's member mostly: the other two through Government's peer. */
export const MEMBERS = [HOSPITAL_A, GOVERNMENT, INSURER] as const;

/** The insurer has no peer: what waits for its endorsement waits for ever, and has a key of its own for that. */
export const STUCK = 'g-stuck';
export const KEYS = 24;
/** Keys with policies of their own, private keys: fewer, so that they meet. */
export const GUARDED_KEYS = 5;
export const PRIVATE_KEYS = 6;
export const COLLECTIONS = ['hospitals', 'closed', 'fleeting', 'by-one', `_implicit_org_${HOSPITAL_A}`];

/** Every key, range and private key that a run may write, to be read when it is over. */
export const EVERYTHING: readonly StubCall[] = [
  ['range', '', ''],
  ['rangeComposite', 'visit', []],
  ['invoke', CALLEE, ['run', JSON.stringify([['range', '', '']])]],
  ...numbered(GUARDED_KEYS, 'g').map((key): StubCall => ['policy', key]),
  ['policy', STUCK],
  ...COLLECTIONS.flatMap((collection) =>
    numbered(PRIVATE_KEYS, 'p').flatMap((key): StubCall[] => [
      ['attempt', ['privateHash', collection, key]],
      ['attempt', ['privatePolicy', collection, key]],
      ['attempt', ['private', collection, key]],
    ]),
  ),
];
export const HISTORIES: readonly StubCall[] = [
  ...Array.from({ length: KEYS }, (_, index): StubCall => ['history', keyOf(index)]),
  ...numbered(GUARDED_KEYS, 'g').map((key): StubCall => ['history', key]),
];

function numbered(count: number, prefix: string): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

export function keyOf(index: number): string {
  return `k${String(index).padStart(2, '0')}`;
}
