import type { Grantee, Purpose, Scope } from '@medledger/chaincode/domain';
import fc from 'fast-check';
import { agency, cidOf, mid } from '../grant-samples.js';
import { anyStep, type Given, HOUR_MS, LAST, type Step, type Who } from './steps.js';

/** Steps that belong together: alone, random steps seldom meet. What comes between and after them is random. */
type Scene = readonly Step[];

const staff = fc.constantFrom<Who>('doctor-a', 'doctor-b', 'nurse-a');
const scope = fc.constantFrom<Scope>({}, { labels: ['N', 'R'] }, { classes: ['Observation'] });
const uses = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined });
const lasts = fc.constantFrom(HOUR_MS, 8 * HOUR_MS);
const ALL = [0, 1, 2];

const open = (by: Who, purpose: Purpose = 'TREAT'): Step => ({ do: 'open', by, records: ALL, purpose });
const person = (who: Who): Grantee => ({ kind: 'person', id: mid(who) });

function give(to: Grantee, given: { scope: Scope; lastsMs: number; uses?: number | undefined }): Step {
  const isDelegate = to.kind === 'delegate';
  const actions: Given['actions'] = isDelegate ? ['read', 'share'] : ['read'];
  const counted = given.uses === undefined ? {} : { uses: given.uses };
  const { scope: covered, lastsMs } = given;
  return {
    do: 'grant',
    by: 'patient',
    to,
    actions,
    scope: covered,
    purpose: 'TREAT',
    beginsInMs: 0,
    lastsMs,
    ...counted,
  };
}

const exclude = (who: Grantee): Step => ({
  do: 'policy',
  by: 'patient',
  exclude: [{ who, scope: {} }],
  byDefault: false,
  emergency: { allowed: true, labels: ['N'], excludedClasses: [] },
});
const allow = (byDefault: boolean): Step => ({ ...exclude(person('auditor')), exclude: [], byDefault }) as Step;

/** What may happen to the newest grant. */
const turn = fc.constantFrom<Step>(
  { do: 'revoke', by: 'patient', what: 'grant', nth: LAST },
  { do: 'alter', by: 'patient', nth: LAST, scope: { classes: ['Condition'] }, lastsMs: HOUR_MS },
  { do: 'wait', ms: HOUR_MS },
  exclude({ kind: 'role', id: 'doctor' }),
);

const given = fc
  .record({ who: staff, scope, lastsMs: lasts, uses, turn })
  .map(({ who, turn: next, ...body }): Scene => [give(person(who), body), open(who), open(who), next, open(who)]);

const passedOn = fc
  .record({ who: staff, other: staff, toAgency: fc.boolean(), scope, narrower: scope, lastsMs: lasts, uses, turn })
  .map(({ who, other, toAgency, narrower, turn: next, ...body }): Scene => {
    const to: Grantee = toAgency ? { kind: 'agency', id: agency('practice-b') } : person(other);
    const receiver = toAgency ? 'doctor-b' : other;
    return [
      give({ kind: 'delegate', id: mid(who) }, body),
      { do: 'delegate', by: who, nth: LAST, to, scope: narrower, lastsMs: HOUR_MS },
      open(receiver),
      next,
      open(receiver),
      { do: 'revoke', by: who, what: 'delegation', nth: LAST },
      open(receiver),
    ];
  });

const trusted = fc
  .record({
    to: fc.constantFrom<Grantee>({ kind: 'agency', id: agency('practice-a') }, { kind: 'role', id: 'doctor' }),
    byDefault: fc.boolean(),
    scope,
    lastsMs: lasts,
  })
  .map(
    ({ to, byDefault, ...body }): Scene => [
      byDefault ? allow(true) : give(to, body),
      open('doctor-a'),
      { do: 'register' },
      open('newcomer'),
      { do: 'list', by: 'newcomer' },
      { do: 'announce', by: 'newcomer' },
      open('newcomer'),
    ],
  );

const emergency = fc
  .record({
    by: staff,
    reviewer: fc.constantFrom<Who>('officer', 'nurse-a', 'doctor-a', 'auditor'),
    finding: fc.constantFrom('justified' as const, 'unjustified' as const),
    waitMs: fc.constantFrom(HOUR_MS, 4 * HOUR_MS, 73 * HOUR_MS),
  })
  .map(
    ({ by, reviewer, finding, waitMs }): Scene => [
      allow(false),
      { do: 'emergency', by, records: ALL, lastsMs: 4 * HOUR_MS },
      { do: 'goOn', by, nth: LAST, records: ALL },
      { do: 'wait', ms: waitMs },
      { do: 'emergency', by, records: ALL, lastsMs: HOUR_MS },
      { do: 'review', by: reviewer, nth: LAST, finding },
      { do: 'goOn', by, nth: LAST, records: ALL },
    ],
  );

const represented = fc
  .record({ lastsMs: lasts, who: staff, scope, ends: fc.boolean() })
  .map(
    ({ lastsMs, who, ends, ...body }): Scene => [
      { do: 'appoint', by: 'patient', who: 'friend', lastsMs },
      open('friend'),
      { ...give(person(who), { ...body, lastsMs }), by: 'friend' } as Step,
      exclude(person('friend')),
      { ...allow(true), by: 'friend' } as Step,
      ends ? { do: 'revoke', by: 'friend', what: 'representation', nth: LAST } : { do: 'wait', ms: lastsMs },
      open('friend'),
      open(who),
    ],
  );

const asked = fc
  .record({ by: staff, scope, how: fc.constantFrom('approve' as const, 'approve' as const, 'widen' as const) })
  .map(
    ({ by, scope: wanted, how }): Scene => [
      { do: 'request', by, scope: wanted, purpose: 'TREAT', lastsMs: HOUR_MS },
      { do: 'answer', by: 'patient', nth: LAST, how },
      open(by),
    ],
  );

const grouped = fc
  .record({ who: staff, scope, lastsMs: lasts })
  .map(
    ({ who, ...body }): Scene => [
      { do: 'group', by: 'patient', members: [who] },
      give({ kind: 'group', id: cidOf(1) }, body),
      open(who),
      { do: 'group', by: 'patient', members: ['friend'] },
      open(who),
      open('friend'),
      exclude({ kind: 'group', id: cidOf(1) }),
      open('friend'),
    ],
  );

const scene: fc.Arbitrary<Scene> = fc.oneof(
  { weight: 3, arbitrary: fc.array(anyStep, { minLength: 1, maxLength: 5 }) },
  given,
  passedOn,
  passedOn,
  trusted,
  emergency,
  represented,
  asked,
  grouped,
);

/** A story of some scenes, with random steps in between. */
export const stories: fc.Arbitrary<readonly Step[]> = fc
  .array(scene, { minLength: 2, maxLength: 5, size: 'max' })
  .map((scenes) => scenes.flat());
