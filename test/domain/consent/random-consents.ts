import type { AccessRequest, Actor, Consents, Grantee, Label, Policy, Scope } from '@medledger/chaincode/domain';
import fc from 'fast-check';
import {
  agency,
  cidOf,
  did,
  eid,
  gid,
  mid,
  rid,
  sampleDelegation,
  sampleEmergency,
  sampleGrant,
  sampleGroup,
  sampleRepresentation,
} from './grant-samples.js';

// Small worlds, so that random rules and requests meet often.
const classes = fc.constantFrom('Observation', 'Condition', 'Claim');
const records = fc.constantFrom(rid(0), rid(1), rid(2));
const labels = fc.constantFrom<Label>('N', 'R');
const times = fc.integer({ min: 0, max: 6 });
const dates = fc.integer({ min: 0, max: 3 });
const purposes = fc.constantFrom('TREAT' as const, 'HPAYMT' as const, 'ETREAT' as const);
const people = fc.constantFrom('dr-a', 'dr-b', 'nurse-a', 'p-2', 'clinic').map(mid);
const agencies = fc.constantFrom('clinic', 'ward').map(agency);
const versions = fc.integer({ min: 1, max: 3 });

const someOf = <T>(items: fc.Arbitrary<T>) => fc.uniqueArray(items, { minLength: 1, maxLength: 2 });
export const scopes: fc.Arbitrary<Scope> = fc
  .record(
    {
      classes: someOf(classes),
      records: someOf(records),
      labels: someOf(labels),
      dataFromMs: dates,
      dataUntilMs: dates,
    },
    { requiredKeys: [] },
  )
  .map(({ dataFromMs, dataUntilMs, ...scope }) => {
    const until = dataUntilMs === undefined ? {} : { dataUntilMs: dataUntilMs + 4 };
    return { ...scope, ...(dataFromMs === undefined ? {} : { dataFromMs }), ...until };
  });
/** Wide more often than not: rules that cover nothing test nothing. */
const wideScopes = fc.oneof({ arbitrary: fc.constant<Scope>({}), weight: 2 }, scopes);

const newFacts = fc.record({ class: classes, label: labels, dateMs: fc.integer({ min: 0, max: 7 }) });
export const recordFacts = fc.record({ recordId: records, class: classes, label: labels, dateMs: dates });

const groups = fc.constantFrom(cidOf(1), cidOf(2));
export const grantees: fc.Arbitrary<Grantee> = fc.oneof(
  fc.record({ kind: fc.constantFrom('person' as const, 'delegate' as const), id: people }),
  fc.record({ kind: fc.constant('agency' as const), id: agencies }),
  fc.record({ kind: fc.constant('role' as const), id: fc.constantFrom('doctor' as const, 'nurse' as const) }),
  fc.record({ kind: fc.constant('role' as const), id: fc.constant('doctor' as const), agencyId: agencies }),
  fc.record({ kind: fc.constant('group' as const), id: groups }),
);

const actions = fc.uniqueArray(fc.constantFrom('read' as const, 'add' as const, 'share' as const), { minLength: 1 });
const when = { fromMs: times, untilMs: times, version: versions, revoked: fc.boolean() };

export const grants = fc
  .record(
    {
      grantId: fc.nat({ max: 7 }).map(gid),
      patientId: fc.constantFrom(mid('p-1'), mid('p-1'), mid('p-1'), mid('p-2')),
      grantee: grantees,
      actions,
      scope: wideScopes,
      purpose: purposes,
      ...when,
      uses: fc.integer({ min: 1, max: 2 }),
      registerVersion: versions,
    },
    {
      requiredKeys: [
        'grantId',
        'patientId',
        'grantee',
        'actions',
        'scope',
        'purpose',
        'fromMs',
        'untilMs',
        'version',
        'revoked',
      ],
    },
  )
  .map((given) => sampleGrant(given));

export const delegations = fc
  .record(
    {
      delegationId: fc.nat({ max: 3 }).map(did),
      delegateId: people,
      parentId: fc.nat({ max: 7 }).map(gid),
      grantee: fc.oneof(
        fc.record({ kind: fc.constant('person' as const), id: people }),
        fc.record({ kind: fc.constant('agency' as const), id: agencies }),
      ),
      actions: fc.uniqueArray(fc.constantFrom('read' as const, 'add' as const), { minLength: 1 }),
      scope: wideScopes,
      purpose: purposes,
      ...when,
      registerVersion: versions,
    },
    {
      requiredKeys: [
        'delegationId',
        'delegateId',
        'parentId',
        'grantee',
        'actions',
        'scope',
        'purpose',
        'fromMs',
        'untilMs',
        'version',
        'revoked',
      ],
    },
  )
  .map((given) => sampleDelegation(given));

export const exclusions = fc.record({ who: grantees, scope: scopes });
export const policies: fc.Arbitrary<Policy> = fc.record({
  version: versions,
  defaultRule: fc.oneof(
    fc.constant({ kind: 'deny' as const }),
    fc.record({
      kind: fc.constant('permit' as const),
      roles: someOf(fc.constantFrom('doctor' as const, 'nurse' as const)),
      purposes: someOf(purposes),
      scope: wideScopes,
      registerVersion: versions,
    }),
  ),
  emergency: fc.record({
    allowed: fc.boolean(),
    labels: fc.uniqueArray(labels),
    excludedClasses: fc.uniqueArray(classes, { maxLength: 1 }),
  }),
  exclusions: fc.array(exclusions, { maxLength: 1 }),
});

const distinct = <T>(items: fc.Arbitrary<T>, idOf: (item: T) => string, maxLength: number) =>
  fc.uniqueArray(items, { maxLength, selector: idOf });

export const consentsOfAnyPatient: fc.Arbitrary<Consents> = fc
  .record({
    policy: fc.option(policies, { nil: undefined }),
    grants: distinct(grants, ({ grantId }) => grantId, 5),
    delegations: distinct(delegations, ({ delegationId }) => delegationId, 3),
    groups: distinct(
      fc
        .record({ groupId: groups, members: fc.uniqueArray(people, { maxLength: 2 }) })
        .map(({ groupId, members }) => sampleGroup(members, { groupId })),
      ({ groupId }) => groupId,
      2,
    ),
    representations: fc.array(
      fc.record({ representative: people, ...when }).map((given) => sampleRepresentation(given)),
      { maxLength: 1 },
    ),
    emergencies: distinct(
      fc
        .record({ emergencyId: fc.constantFrom(eid(1), eid(2)), actorId: people, fromMs: times, untilMs: times })
        .map((given) => sampleEmergency(given)),
      ({ emergencyId }) => emergencyId,
      2,
    ),
    used: fc.dictionary(fc.nat({ max: 7 }).map(gid), fc.integer({ min: 0, max: 2 })),
    noticed: fc.dictionary(people, versions),
  })
  .map(({ policy, ...said }) => (policy === undefined ? said : { ...said, policy }));

export const actors: fc.Arbitrary<Actor> = fc.constantFrom<Actor>(
  { memberId: mid('dr-a'), role: 'doctor', agencyId: agency('clinic'), registerVersion: 1 },
  { memberId: mid('dr-a'), role: 'doctor', agencyId: agency('clinic'), registerVersion: 3 },
  { memberId: mid('dr-b'), role: 'doctor', agencyId: agency('ward'), registerVersion: 2 },
  { memberId: mid('nurse-a'), role: 'nurse', agencyId: agency('clinic'), registerVersion: 2 },
  { memberId: mid('nurse-a'), role: 'nurse', agencyId: agency('clinic') },
  { memberId: mid('p-2'), role: 'patient' },
  { memberId: mid('p-1'), role: 'patient' },
  { memberId: mid('dr-a'), role: 'admin', agencyId: agency('clinic'), registerVersion: 1 },
);

export const requests: fc.Arbitrary<AccessRequest> = fc
  .record({
    actor: actors,
    record: fc.oneof(recordFacts, newFacts),
    action: fc.constantFrom('read' as const, 'read' as const, 'add' as const, 'share' as const),
    purpose: purposes,
    atMs: times,
    emergencyId: fc.option(fc.constantFrom(eid(1), eid(2)), { nil: undefined, freq: 3 }),
  })
  .map(({ emergencyId, ...asked }) => ({
    ...asked,
    patientId: mid('p-1'),
    ...(emergencyId === undefined ? {} : { emergencyId }),
  }));
