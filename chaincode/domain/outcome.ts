import { canonicalJson } from './canonical-json.js';
import type { Basis, DenyCode } from './consent/access-policy.js';
import type { Grantee } from './consent/grantee.js';
import type { EmergencyReason, ReviewFinding } from './consent/emergency.js';
import type {
  DelegationId,
  EmergencyId,
  GrantId,
  GroupId,
  RecordId,
  RepresentationId,
  RequestId,
  SetId,
} from './ids.js';
import { placeOf, recordIdOf } from './ids.js';
import type { Purpose } from './vocabulary.js';

export const LOG_ACTIONS = [
  'register',
  'add',
  'open',
  'request',
  'approve',
  'refuse',
  'grant',
  'alter',
  'revoke',
  'policy',
  'group',
  'appoint',
  'delegate',
  'announce',
  'emergency',
  'review',
  'read-log',
] as const;
export type LogAction = (typeof LOG_ACTIONS)[number];

/** What was decided about one record of an opening. */
export type ItemOutcome = { readonly recordId: RecordId; readonly class?: string; readonly version?: number } & (
  | { readonly outcome: 'permit'; readonly basis: Basis }
  | { readonly outcome: 'deny'; readonly code: DenyCode }
);

/**
 * What an entry says was done and decided. It is part of the entry's link, so it cannot be changed later.
 * Refusals are outcomes too: a transaction that throws writes nothing, and a refusal must be seen.
 */
export interface Outcome {
  readonly action: LogAction;
  readonly outcome: 'permit' | 'deny';
  readonly code?: DenyCode;
  readonly basis?: Basis;
  readonly purpose?: Purpose;
  /** Adding: the sets, and the class of each record in them. */
  readonly sets?: readonly { readonly setId: SetId; readonly classes: readonly string[] }[];
  /** Opening: one outcome per record, because one may be permitted and its neighbour not. */
  readonly items?: readonly ItemOutcome[];
  readonly requestId?: RequestId;
  readonly grantId?: GrantId;
  readonly delegationId?: DelegationId;
  readonly groupId?: GroupId;
  /** Appointed or ended; or, in an entry of a representative, by which it acts for the patient. */
  readonly representationId?: RepresentationId;
  readonly emergencyId?: EmergencyId;
  readonly reason?: EmergencyReason;
  readonly finding?: ReviewFinding;
  readonly grantee?: Grantee;
  readonly untilMs?: number;
}

export function formatOutcome(outcome: Outcome): string {
  return canonicalJson(outcome);
}

/** Reads an outcome out of an entry whose link is intact: it was written by `formatOutcome`. */
export function parseOutcome(text: string): Outcome {
  return JSON.parse(text) as Outcome;
}

/** One line of an access log: records that were treated alike in one entry. */
export interface LogLine extends Omit<Outcome, 'sets' | 'items' | 'grantee' | 'untilMs'> {
  readonly recordIds: readonly RecordId[];
  readonly classes: readonly string[];
}

/** What an entry means to the patient: openings in groups of equal decision, everything else as one line. */
export function logLinesOf(outcome: Outcome): readonly LogLine[] {
  const { items, sets, grantee: _grantee, untilMs: _untilMs, ...common } = outcome;
  if (items === undefined) {
    const recordIds = (sets ?? []).flatMap((set) => set.classes.map((_, index) => recordIdOf(set.setId, index)));
    return [{ ...common, recordIds, classes: (sets ?? []).flatMap((set) => set.classes) }];
  }
  const groups = new Map<string, LogLine>();
  for (const { recordId, class: recordClass, version: _version, ...decision } of items) {
    const key = canonicalJson(decision);
    const group = groups.get(key) ?? { ...common, ...decision, recordIds: [], classes: [] };
    const classes = recordClass === undefined ? group.classes : [...group.classes, recordClass];
    groups.set(key, { ...group, recordIds: [...group.recordIds, recordId], classes });
  }
  return [...groups.values()];
}

/** Openings of one set read it once: the distinct sets, in order of first mention. */
export function setsOf(records: readonly RecordId[]): readonly SetId[] {
  return [...new Set(records.map((record) => placeOf(record).setId))];
}
