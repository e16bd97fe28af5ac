import { describe, expect, it } from '@jest/globals';
import {
  type AccessRequest,
  type Actor,
  applyChange,
  type ChangePreview,
  type ConsentChange,
  type Consents,
  decideAccess,
  explainMember,
  explainRecord,
  previewChange,
  PURPOSES,
  type RecordFacts,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';
import {
  cidOf,
  did,
  DOCTOR,
  eid,
  FROM_MS,
  gid,
  mid,
  PATIENT,
  repId,
  rid,
  SAMPLE_RECORD,
  sampleConsents,
  sampleDelegation,
  sampleEmergency,
  sampleGrant,
  sampleGroup,
  sampleParent,
  samplePolicy,
  sampleRepresentation,
  UNTIL_MS,
} from './grant-samples.js';
import { modelDecision } from './model/model-decision.js';
import { actors, consentsOfAnyPatient, delegations, grants, policies, recordFacts } from './random-consents.js';

const patientId = mid('p-1');
const changes: fc.Arbitrary<ConsentChange> = fc.oneof(
  grants.map((grant) => ({ kind: 'grant' as const, grant })),
  delegations.map((delegation) => ({ kind: 'delegation' as const, delegation })),
  policies.map((policy) => ({ kind: 'policy' as const, policy })),
  fc
    .constantFrom([], ['dr-a'], ['nurse-a', 'dr-b'])
    .map((members) => ({ kind: 'group' as const, group: sampleGroup(members) })),
  fc.constantFrom('dr-a', 'p-2').map((id) => ({
    kind: 'representation' as const,
    representation: sampleRepresentation({ representative: mid(id), fromMs: 0, untilMs: 5 }),
  })),
  fc.constantFrom(gid(0), gid(1), gid(2), did(0), did(1), repId(1)).map((id) => ({ kind: 'revocation' as const, id })),
);
const someActors = fc.uniqueArray(actors, { selector: ({ memberId }) => memberId, minLength: 1 });
const someRecords = fc.uniqueArray(recordFacts, { selector: ({ recordId }) => recordId, minLength: 1 });

interface Asking {
  readonly consents: Consents;
  readonly members: readonly Actor[];
  readonly records: readonly RecordFacts[];
  readonly atMs: number;
}

/** Every question there is about these people and records, each with the line it would be told in. */
function questionsOf({ members, records, atMs }: Asking): readonly { asked: AccessRequest; line: string }[] {
  return members.flatMap((actor) =>
    PURPOSES.flatMap((purpose) =>
      records.flatMap(({ recordId, ...kind }) =>
        (['read', 'add'] as const).map((action) => {
          const record = action === 'add' ? kind : { ...kind, recordId };
          const line = `${actor.memberId} ${action} ${purpose} ${recordId}`;
          return { asked: { actor, patientId, action, purpose, atMs, record }, line };
        }),
      ),
    ),
  );
}

const linesOf = (differences: ChangePreview['gains']) =>
  differences
    .flatMap(({ memberId, action, purpose, recordIds }) =>
      recordIds.map((id) => `${memberId} ${action} ${purpose} ${id}`),
    )
    .sort();

/** What the model permits on the first side and not on the second. */
function modelDifference(asking: Asking, more: Consents, fewer: Consents): readonly string[] {
  const isPermitted = (asked: AccessRequest, side: Consents) => modelDecision(asked, side).startsWith('permit');
  return questionsOf(asking)
    .filter(({ asked }) => isPermitted(asked, more) && !isPermitted(asked, fewer))
    .map(({ line }) => line)
    .sort();
}

describe('previewChange', () => {
  it('says what is decided once the change is stored, by the model and not by the code', () => {
    const asking = fc.record({
      consents: consentsOfAnyPatient,
      members: someActors,
      records: someRecords,
      atMs: fc.nat({ max: 6 }),
    });
    fc.assert(
      fc.property(asking, changes, (given, change) => {
        const { gains, losses } = previewChange({ patientId, change, ...given });
        const after = applyChange(given.consents, change);
        expect(linesOf(gains)).toEqual(modelDifference(given, after, given.consents));
        expect(linesOf(losses)).toEqual(modelDifference(given, given.consents, after));
      }),
      { numRuns: 300 },
    );
  });
});

describe('previewChange of one change', () => {
  it('names who loses by a policy: those whom it excludes', () => {
    const consents = sampleConsents({ policy: samplePolicy(), grants: [sampleGrant()] });
    const policy = samplePolicy({ version: 2, exclusions: [{ who: { kind: 'role', id: 'doctor' }, scope: {} }] });
    const preview = previewChange({
      patientId,
      consents,
      change: { kind: 'policy', policy },
      members: [DOCTOR, PATIENT],
      records: [SAMPLE_RECORD],
      atMs: FROM_MS,
    });
    expect(preview).toEqual({
      gains: [],
      losses: [{ memberId: 'dr-a', action: 'read', purpose: 'TREAT', recordIds: [rid(1)] }],
    });
  });

  it('names the child that ends with its parent', () => {
    const consents = sampleConsents({ grants: [sampleParent()], delegations: [sampleDelegation()] });
    const { losses } = previewChange({
      patientId,
      consents,
      change: { kind: 'revocation', id: gid(1) },
      members: [DOCTOR],
      records: [SAMPLE_RECORD],
      atMs: FROM_MS,
    });
    expect(losses.map(({ memberId }) => memberId)).toEqual(['dr-a']);
  });
});

describe('explainRecord', () => {
  const record: RecordFacts = SAMPLE_RECORD;
  const nurse = { memberId: mid('nurse-a'), role: 'nurse' } as const;
  const insurer = { memberId: mid('ins'), role: 'insurer' } as const;

  it('names who can open it, by which rule, for what and until when', () => {
    const consents = sampleConsents({
      grants: [sampleGrant(), sampleParent({ grantId: gid(2), untilMs: UNTIL_MS - 5 })],
      delegations: [sampleDelegation({ parentId: gid(2), grantee: { kind: 'person', id: mid('ins') } })],
      groups: [sampleGroup([], { groupId: cidOf(1) })],
    });
    const explained = explainRecord({ patientId, record, members: [DOCTOR, nurse, insurer], consents, atMs: FROM_MS });
    expect(explained.map(({ memberId, ways }) => ({ memberId, ways }))).toEqual([
      {
        memberId: 'dr-a',
        ways: [{ basis: { kind: 'grant', grantId: gid(1), version: 1 }, purposes: ['TREAT'], untilMs: UNTIL_MS }],
      },
      {
        memberId: 'ins',
        ways: [
          {
            basis: { kind: 'delegation', delegationId: did(1), version: 1, grantId: gid(2), grantVersion: 1 },
            purposes: ['TREAT'],
            untilMs: UNTIL_MS - 5,
          },
        ],
      },
    ]);
  });

  it('tells whom an emergency would let in, and who is in by one', () => {
    const policy = samplePolicy();
    const might = explainRecord({
      patientId,
      record,
      members: [DOCTOR, insurer],
      consents: sampleConsents({ policy }),
      atMs: FROM_MS,
    });
    expect(might).toMatchObject([{ memberId: 'dr-a', ways: [], code: 'NO_GRANT', inEmergency: true }]);
    const consents = sampleConsents({ policy, emergencies: [sampleEmergency()] });
    const [is] = explainRecord({ patientId, record, members: [DOCTOR], consents, atMs: FROM_MS });
    expect(is?.ways).toEqual([
      { basis: { kind: 'emergency', emergencyId: eid(1), policyVersion: 1 }, purposes: ['ETREAT'], untilMs: UNTIL_MS },
    ]);
  });
});

describe('explainMember', () => {
  it('says why not, and agrees with every decision', () => {
    fc.assert(
      fc.property(consentsOfAnyPatient, actors, someRecords, fc.nat({ max: 6 }), (consents, actor, records, atMs) => {
        const explained = explainMember({ patientId, actor, records, consents, atMs });
        expect(explained.map(({ recordId }) => recordId)).toEqual(records.map(({ recordId }) => recordId));
        explained.forEach(({ ways, code }, index) => {
          const record = records[index] ?? SAMPLE_RECORD;
          for (const purpose of PURPOSES) {
            const decision = decideAccess({ actor, patientId, record, action: 'read', purpose, atMs }, consents);
            if (decision.outcome === 'permit')
              expect(ways).toContainEqual(
                expect.objectContaining({ basis: decision.basis, purposes: expect.arrayContaining([purpose]) }),
              );
          }
          expect(code === undefined).toBe(ways.length > 0);
        });
      }),
      { numRuns: 500 },
    );
  });
});
