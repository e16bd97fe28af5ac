import type {
  AccessRequest,
  AgencyId,
  Grant,
  GrantId,
  Label,
  MemberId,
  RecordId,
  Scope,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';

export const FROM_MS = 1_000_000;
export const UNTIL_MS = 2_000_000;

export const gid = (seed: number): GrantId => `g${seed.toString(16).padStart(32, '0')}` as GrantId;
export const rid = (seed: number): RecordId => `${'ab'.repeat(16)}${seed.toString(16).padStart(2, '0')}` as RecordId;

export function sampleGrant(changes: Partial<Grant> = {}): Grant {
  return {
    grantId: gid(1),
    patientId: 'p-1' as MemberId,
    grantee: { kind: 'person', id: 'dr-a' },
    actions: ['read'],
    scope: {},
    purpose: 'TREAT',
    fromMs: FROM_MS,
    untilMs: UNTIL_MS,
    version: 1,
    revoked: false,
    ...changes,
  };
}

export function sampleRequest(changes: Partial<AccessRequest> = {}): AccessRequest {
  return {
    actor: { memberId: 'dr-a' as MemberId, agencyId: 'clinic' as AgencyId },
    patientId: 'p-1' as MemberId,
    record: { recordId: rid(1), class: 'Observation', label: 'N' },
    action: 'read',
    purpose: 'TREAT',
    atMs: FROM_MS,
    ...changes,
  };
}

// Small worlds, so that random grants and requests meet often.
const classes = fc.constantFrom('Observation', 'Condition', 'Claim');
const records = fc.constantFrom(rid(0), rid(1), rid(2));
const labels = fc.constantFrom<Label>('N', 'R');
const times = fc.integer({ min: 0, max: 6 });
const patients = fc.constantFrom('p-1', 'p-2').map((id) => id as MemberId);

const someOf = <T>(items: fc.Arbitrary<T>) => fc.uniqueArray(items, { minLength: 1, maxLength: 2 });
export const scopes: fc.Arbitrary<Scope> = fc.record(
  { classes: someOf(classes), records: someOf(records), labels: someOf(labels) },
  { requiredKeys: [] },
);
export const recordFacts = fc.oneof(
  fc.record({ recordId: records, class: classes, label: labels }),
  fc.record({ class: classes, label: labels }),
);

export const grants: fc.Arbitrary<Grant> = fc.record({
  grantId: fc.nat({ max: 1000 }).map(gid),
  patientId: patients,
  grantee: fc.constantFrom(
    { kind: 'person' as const, id: 'dr-a' },
    { kind: 'person' as const, id: 'clinic' },
    { kind: 'agency' as const, id: 'clinic' },
    { kind: 'agency' as const, id: 'dr-a' },
  ),
  actions: fc.uniqueArray(fc.constantFrom('read' as const, 'add' as const), { minLength: 1 }),
  scope: scopes,
  purpose: fc.constantFrom('TREAT' as const, 'HPAYMT' as const),
  fromMs: times,
  untilMs: times,
  version: fc.integer({ min: 1, max: 3 }),
  revoked: fc.boolean(),
});

export const requests: fc.Arbitrary<AccessRequest> = fc.record({
  actor: fc.constantFrom(
    { memberId: 'dr-a' as MemberId, agencyId: 'clinic' as AgencyId },
    { memberId: 'dr-a' as MemberId },
    { memberId: 'dr-b' as MemberId, agencyId: 'clinic' as AgencyId },
  ),
  patientId: patients,
  record: recordFacts,
  action: fc.constantFrom('read' as const, 'add' as const),
  purpose: fc.constantFrom('TREAT' as const, 'HPAYMT' as const),
  atMs: times,
});
