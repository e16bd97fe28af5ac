import type { Action, EmergencyRule, Grantee, Label, Purpose, Scope } from '@medledger/chaincode/domain';
import fc from 'fast-check';
import { agency, cidOf, mid } from '../grant-samples.js';

export const HOUR_MS = 3_600_000;
/** Stands for the newest grant, delegation, request or emergency. */
export const LAST = 99;

/** Who acts; the friend is another patient, the newcomer joins practice-a in the middle of a story. */
export const PEOPLE = [
  'patient',
  'friend',
  'doctor-a',
  'doctor-b',
  'nurse-a',
  'newcomer',
  'officer',
  'auditor',
] as const;
export type Who = (typeof PEOPLE)[number];

/** Names are the story's; `patient` and `friend` become the pseudonyms of the run. */
export type Step =
  | { readonly do: 'register' }
  | { readonly do: 'add'; readonly by: Who; readonly class: string; readonly label: Label; readonly purpose: Purpose }
  | ({ readonly do: 'grant'; readonly by: Who } & Given)
  | { readonly do: 'alter'; readonly by: Who; readonly nth: number; readonly scope: Scope; readonly lastsMs: number }
  | {
      readonly do: 'revoke';
      readonly by: Who;
      readonly what: 'grant' | 'delegation' | 'representation';
      readonly nth: number;
    }
  | {
      readonly do: 'delegate';
      readonly by: Who;
      readonly nth: number;
      readonly to: Grantee;
      readonly scope: Scope;
      readonly lastsMs: number;
    }
  | {
      readonly do: 'policy';
      readonly by: Who;
      readonly exclude: readonly { who: Grantee; scope: Scope }[];
      readonly byDefault: boolean;
      readonly emergency: EmergencyRule;
    }
  | { readonly do: 'group'; readonly by: Who; readonly members: readonly Who[] }
  | { readonly do: 'appoint'; readonly by: Who; readonly who: Who; readonly lastsMs: number }
  | {
      readonly do: 'request';
      readonly by: Who;
      readonly scope: Scope;
      readonly purpose: Purpose;
      readonly lastsMs: number;
    }
  | { readonly do: 'answer'; readonly by: Who; readonly nth: number; readonly how: 'approve' | 'widen' | 'refuse' }
  | { readonly do: 'open'; readonly by: Who; readonly records: readonly number[]; readonly purpose: Purpose }
  | { readonly do: 'emergency'; readonly by: Who; readonly records: readonly number[]; readonly lastsMs: number }
  | { readonly do: 'goOn'; readonly by: Who; readonly nth: number; readonly records: readonly number[] }
  | { readonly do: 'review'; readonly by: Who; readonly nth: number; readonly finding: 'justified' | 'unjustified' }
  | { readonly do: 'announce'; readonly by: Who }
  | { readonly do: 'list'; readonly by: Who }
  | { readonly do: 'wait'; readonly ms: number };

export interface Given {
  readonly to: Grantee;
  readonly actions: readonly Action[];
  readonly scope: Scope;
  readonly purpose: Purpose;
  readonly beginsInMs: number;
  readonly lastsMs: number;
  readonly uses?: number;
}

const anybody = fc.constantFrom(...PEOPLE);
const staff = fc.constantFrom<Who>('doctor-a', 'doctor-b', 'nurse-a', 'newcomer');
/** Mostly the patient, then who may represent it, now and then somebody who may not. */
const speaker = fc.oneof(
  { arbitrary: fc.constant<Who>('patient'), weight: 6 },
  { arbitrary: fc.constant<Who>('friend'), weight: 2 },
  anybody,
);
const nth = fc.nat({ max: 3 });
const purpose = fc.constantFrom<Purpose>('TREAT', 'TREAT', 'HPAYMT', 'ETREAT');
const lasts = fc.constantFrom(HOUR_MS / 60, HOUR_MS, 8 * HOUR_MS, 200 * HOUR_MS);
const classes = fc.constantFrom('Observation', 'Condition');
const label = fc.constantFrom<Label>('N', 'N', 'R');
const scope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constant({}),
  fc.constant<Scope>({ labels: ['N', 'R'] }),
  classes.map((one) => ({ classes: [one] })),
);
const person = fc.constantFrom<Who>('doctor-a', 'doctor-b', 'nurse-a', 'newcomer', 'friend', 'auditor');
const toPerson = person.map((id): Grantee => ({ kind: 'person', id: mid(id) }));
const toAgency = fc.constantFrom('practice-a', 'practice-b').map((id): Grantee => ({ kind: 'agency', id: agency(id) }));
const grantee: fc.Arbitrary<Grantee> = fc.oneof(
  toPerson,
  toPerson,
  toAgency,
  fc.constant<Grantee>({ kind: 'role', id: 'doctor' }),
  fc.constant<Grantee>({ kind: 'role', id: 'nurse', agencyId: agency('practice-a') }),
  fc.constant<Grantee>({ kind: 'group', id: cidOf(1) }),
);
const actions = fc.constantFrom<readonly Action[]>(['read'], ['read'], ['read', 'add'], ['add'], ['read', 'share']);
const window = { beginsInMs: fc.constantFrom(0, 0, 0, HOUR_MS), lastsMs: lasts };
const given: fc.Arbitrary<Given> = fc.oneof(
  fc.record({ to: grantee, actions, scope, purpose, ...window }),
  fc.record({
    to: grantee,
    actions: fc.constant<readonly Action[]>(['read']),
    scope,
    purpose,
    ...window,
    uses: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({
    to: staff.map((id): Grantee => ({ kind: 'delegate', id: mid(id) })),
    actions: fc.constantFrom<readonly Action[]>(['read', 'share'], ['read', 'add', 'share']),
    scope,
    purpose,
    ...window,
  }),
);
const records = fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 3 });
const emergency = fc.record({
  allowed: fc.constantFrom(true, true, true, false),
  labels: fc.constantFrom<readonly Label[]>(['N'], ['N', 'R'], []),
  excludedClasses: fc.constantFrom([], [], ['Condition']),
});

const does = <N extends Step['do']>(name: N) => ({ do: fc.constant(name) });

/** One step of a story; opening comes most often, because everything else is there to be opened. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ ...does('open'), by: fc.oneof(staff, staff, anybody), records, purpose }) },
  {
    weight: 4,
    arbitrary: fc.record({ by: speaker, given }).map(({ by, given: body }): Step => ({ do: 'grant', by, ...body })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...does('add'),
      by: fc.oneof(fc.constant<Who>('patient'), anybody),
      class: classes,
      label,
      purpose,
    }),
  },
  { weight: 1, arbitrary: fc.record(does('register')) },
  { weight: 2, arbitrary: fc.record({ ...does('alter'), by: speaker, nth, scope, lastsMs: lasts }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...does('revoke'),
      by: fc.oneof(speaker, staff),
      what: fc.constantFrom('grant' as const, 'delegation' as const, 'representation' as const),
      nth,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...does('delegate'),
      by: staff,
      nth,
      to: fc.oneof(toPerson, toAgency),
      scope,
      lastsMs: lasts,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ...does('policy'),
      by: speaker,
      exclude: fc.array(fc.record({ who: grantee, scope }), { maxLength: 1 }),
      byDefault: fc.boolean(),
      emergency,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ ...does('group'), by: speaker, members: fc.uniqueArray(person, { maxLength: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...does('appoint'),
      by: fc.oneof(fc.constant<Who>('patient'), speaker),
      who: fc.constantFrom<Who>('friend', 'friend', 'nurse-a', 'auditor'),
      lastsMs: lasts,
    }),
  },
  { weight: 2, arbitrary: fc.record({ ...does('request'), by: anybody, scope, purpose, lastsMs: lasts }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...does('answer'),
      by: speaker,
      nth,
      how: fc.constantFrom('approve' as const, 'widen' as const, 'refuse' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      ...does('emergency'),
      by: anybody,
      records,
      lastsMs: fc.constantFrom(HOUR_MS, 4 * HOUR_MS, 5 * HOUR_MS),
    }),
  },
  { weight: 2, arbitrary: fc.record({ ...does('goOn'), by: staff, nth, records }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...does('review'),
      by: anybody,
      nth,
      finding: fc.constantFrom('justified' as const, 'unjustified' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ ...does('announce'), by: staff }) },
  { weight: 2, arbitrary: fc.record({ ...does('list'), by: anybody }) },
  {
    weight: 2,
    arbitrary: fc.record({ ...does('wait'), ms: fc.constantFrom(HOUR_MS / 60, HOUR_MS, 4 * HOUR_MS, 73 * HOUR_MS) }),
  },
);
