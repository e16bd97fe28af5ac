import { describe, expect, it } from '@jest/globals';
import { type AccessRequest, type Consents, decideAccess, type Grant, NO_CONSENTS } from '@medledger/chaincode/domain';
import fc from 'fast-check';
import {
  agency,
  cidOf,
  DATE_MS,
  DOCTOR,
  excluding,
  FROM_MS,
  gid,
  mid,
  PATIENT,
  rid,
  SAMPLE_RECORD,
  sampleConsents,
  sampleDelegation,
  sampleGrant,
  sampleGroup,
  sampleParent,
  samplePolicy,
  sampleRepresentation,
  sampleRequest,
  UNTIL_MS,
} from './grant-samples.js';
import { wordOf } from './model/decision-word.js';
import { modelDecision } from './model/model-decision.js';
import { actors, consentsOfAnyPatient, requests } from './random-consents.js';

const codeOf = (request: Partial<AccessRequest>, consents: Partial<Consents>): string => {
  const decision = decideAccess(sampleRequest(request), sampleConsents(consents));
  return decision.outcome === 'permit' ? decision.basis.kind : decision.code;
};
const granted = (changes: Partial<Grant> = {}) => ({ grants: [sampleGrant(changes)] });

describe('decideAccess', () => {
  it('decides as the written rules do, whatever was said and asked', () => {
    fc.assert(
      fc.property(requests, consentsOfAnyPatient, (request, consents) => {
        expect(wordOf(decideAccess(request, consents))).toBe(modelDecision(request, consents));
      }),
      { numRuns: 5000 },
    );
  });

  it('gives nothing where nothing was said, to anybody but the patient', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const isOwn = request.actor.memberId === request.patientId;
        expect(decideAccess(request, NO_CONSENTS).outcome).toBe(isOwn ? 'permit' : 'deny');
      }),
    );
  });

  it.each([
    { name: 'one millisecond before the beginning', atMs: FROM_MS - 1, expected: 'GRANT_NOT_STARTED' },
    { name: 'at the beginning', atMs: FROM_MS, expected: 'grant' },
    { name: 'one millisecond before the end', atMs: UNTIL_MS - 1, expected: 'grant' },
    { name: 'at the end', atMs: UNTIL_MS, expected: 'GRANT_ENDED' },
  ])('$name: $expected', ({ atMs, expected }) => {
    expect(codeOf({ atMs }, granted())).toBe(expected);
  });

  it.each<{ name: string; grant: Partial<Grant>; request?: Partial<AccessRequest>; code: string }>([
    { name: 'a grant of another patient', grant: { patientId: mid('p-2') }, code: 'NO_GRANT' },
    { name: 'a grant to somebody else', grant: { grantee: { kind: 'person', id: mid('dr-b') } }, code: 'NO_GRANT' },
    { name: 'an agency of that name', grant: { grantee: { kind: 'agency', id: agency('dr-a') } }, code: 'NO_GRANT' },
    { name: 'a group that is not there', grant: { grantee: { kind: 'group', id: cidOf(9) } }, code: 'NO_GRANT' },
    { name: 'a grant to add', grant: { actions: ['add'] }, code: 'NO_GRANT' },
    { name: 'a grant for other classes', grant: { scope: { classes: ['Claim'] } }, code: 'NO_GRANT' },
    { name: 'a grant for later data', grant: { scope: { dataFromMs: DATE_MS + 1 } }, code: 'NO_GRANT' },
    { name: 'a grant for data before', grant: { scope: { dataUntilMs: DATE_MS } }, code: 'NO_GRANT' },
    { name: 'another purpose', grant: {}, request: { purpose: 'HPAYMT' }, code: 'PURPOSE_NOT_GRANTED' },
    {
      name: 'a revoked grant for another purpose',
      grant: { revoked: true },
      request: { purpose: 'HPAYMT' },
      code: 'GRANT_ENDED',
    },
    { name: 'a revoked grant', grant: { revoked: true }, code: 'GRANT_ENDED' },
    { name: 'a revoked grant that has not begun', grant: { revoked: true }, request: { atMs: 0 }, code: 'GRANT_ENDED' },
  ])('refuses with $name: $code', ({ grant, request = {}, code }) => {
    expect(codeOf(request, granted(grant))).toBe(code);
  });

  it.each<{ name: string; grantee: Grant['grantee'] }>([
    { name: 'person', grantee: { kind: 'person', id: mid('dr-a') } },
    { name: 'delegate', grantee: { kind: 'delegate', id: mid('dr-a') } },
    { name: 'agency', grantee: { kind: 'agency', id: agency('clinic') } },
    { name: 'role', grantee: { kind: 'role', id: 'doctor' } },
    { name: 'role in an agency', grantee: { kind: 'role', id: 'doctor', agencyId: agency('clinic') } },
    { name: 'group', grantee: { kind: 'group', id: cidOf(1) } },
  ])('a grant to a $name reaches who is meant, and nobody else', ({ grantee }) => {
    const said = { ...granted({ grantee, registerVersion: 1 }), groups: [sampleGroup(['dr-a'])] };
    expect(codeOf({}, said)).toBe('grant');
    const nurse = { memberId: mid('nurse-b'), role: 'nurse', agencyId: agency('ward'), registerVersion: 1 } as const;
    expect(codeOf({ actor: nurse }, said)).toBe('NO_GRANT');
  });

  it('lets the patient do anything with own records, whatever excludes it', () => {
    const policy = samplePolicy({ exclusions: excluding('p-1') });
    expect(codeOf({ actor: PATIENT, action: 'add' }, { policy })).toBe('own');
  });

  it('names the version that was signed last', () => {
    const decision = decideAccess(sampleRequest(), sampleConsents(granted({ version: 3 })));
    expect(decision).toMatchObject({ basis: { version: 3 } });
  });

  it('rests on the grant that lasts longest, and of equals on the lowest id', () => {
    const grants = [
      sampleGrant({ grantId: gid(3) }),
      sampleGrant({ grantId: gid(2) }),
      sampleGrant({ grantId: gid(1), untilMs: UNTIL_MS - 1 }),
    ];
    const decision = decideAccess(sampleRequest(), sampleConsents({ grants }));
    expect(decision).toMatchObject({ basis: { grantId: gid(2) } });
  });
});

describe('a trusted group', () => {
  const newcomer = { ...DOCTOR, registerVersion: 5 };
  const toRole = granted({ grantee: { kind: 'role', id: 'doctor' }, registerVersion: 4 });

  it.each([
    {
      name: 'who was there when the patient looked',
      actor: { ...DOCTOR, registerVersion: 4 },
      noticed: {},
      code: 'grant',
    },
    { name: 'who joined later', actor: newcomer, noticed: {}, code: 'NOTICE_MISSING' },
    {
      name: 'who joined later and told of an older place',
      actor: newcomer,
      noticed: { 'dr-a': 4 },
      code: 'NOTICE_MISSING',
    },
    { name: 'who joined later and told the patient', actor: newcomer, noticed: { 'dr-a': 5 }, code: 'grant' },
    { name: 'another one told', actor: newcomer, noticed: { 'dr-b': 5 }, code: 'NOTICE_MISSING' },
    {
      name: 'who stands in no register document',
      actor: { memberId: mid('dr-a'), role: 'doctor' as const },
      noticed: { 'dr-a': 9 },
      code: 'NOTICE_MISSING',
    },
  ])('$name: $code', ({ actor, noticed, code }) => {
    expect(codeOf({ actor }, { ...toRole, noticed })).toBe(code);
  });

  it('does not take a name of Object for a notice', () => {
    const actor = { ...newcomer, memberId: mid('constructor') };
    expect(codeOf({ actor }, toRole)).toBe('NOTICE_MISSING');
  });
});

describe('an exclusion', () => {
  const everything: Partial<Consents> = {
    grants: [sampleGrant({ grantee: { kind: 'person', id: mid('dr-a') }, scope: { labels: ['N', 'R'] } })],
    representations: [sampleRepresentation()],
  };

  it.each<{ name: string; label: 'N' | 'R'; scope: object; code: string }>([
    { name: 'of everything, a normal record', label: 'N', scope: {}, code: 'EXCLUDED' },
    { name: 'of everything, a restricted record', label: 'R', scope: {}, code: 'EXCLUDED' },
    { name: 'of another class', label: 'N', scope: { classes: ['Claim'] }, code: 'representation' },
    { name: 'of the other label', label: 'N', scope: { labels: ['R'] }, code: 'representation' },
    { name: 'of this record', label: 'N', scope: { records: [rid(1)] }, code: 'EXCLUDED' },
  ])('$name: $code, whatever permits', ({ label, scope, code }) => {
    const policy = samplePolicy({ exclusions: excluding('dr-a', scope) });
    expect(codeOf({ record: { ...SAMPLE_RECORD, label } }, { ...everything, policy })).toBe(code);
  });

  it('beats everything but the patient', () => {
    fc.assert(
      fc.property(requests, consentsOfAnyPatient, (request, consents) => {
        const exclusions = excluding(request.actor.memberId);
        const policy = { ...samplePolicy(), ...consents.policy, exclusions };
        const isOwn = request.actor.memberId === request.patientId;
        expect(wordOf(decideAccess(request, { ...consents, policy }))).toBe(isOwn ? 'permit own' : 'deny EXCLUDED');
      }),
    );
  });

  it('never permits more', () => {
    fc.assert(
      fc.property(requests, consentsOfAnyPatient, actors, (request, consents, other) => {
        fc.pre(consents.policy !== undefined);
        const given = consents.policy ?? samplePolicy();
        const policy = { ...given, exclusions: [...given.exclusions, ...excluding(other.memberId)] };
        if (decideAccess(request, consents).outcome === 'deny')
          expect(decideAccess(request, { ...consents, policy }).outcome).toBe('deny');
      }),
    );
  });
});

describe('what a delegate passes on', () => {
  const passedOn = (parent: Partial<Grant> = {}, child: object = {}): Partial<Consents> => ({
    grants: [sampleParent(parent)],
    delegations: [sampleDelegation(child)],
  });

  it.each<{ name: string; said: Partial<Consents>; code: string }>([
    { name: 'within its parent', said: passedOn(), code: 'delegation' },
    { name: 'without its parent', said: { delegations: [sampleDelegation()] }, code: 'NO_GRANT' },
    { name: 'by somebody else', said: passedOn({}, { delegateId: mid('dr-c') }), code: 'NO_GRANT' },
    {
      name: 'of a grant to a person',
      said: passedOn({ grantee: { kind: 'person', id: mid('dr-b') } }),
      code: 'NO_GRANT',
    },
    { name: 'of a grant that lets share no more', said: passedOn({ actions: ['read'] }), code: 'NO_GRANT' },
    { name: 'of another purpose since', said: passedOn({ purpose: 'HPAYMT' }), code: 'NO_GRANT' },
    { name: 'of a parent narrowed since', said: passedOn({ scope: { classes: ['Claim'] } }), code: 'NO_GRANT' },
    { name: 'of a revoked parent', said: passedOn({ revoked: true }), code: 'GRANT_ENDED' },
    { name: 'of an ended parent', said: passedOn({ untilMs: FROM_MS }), code: 'GRANT_ENDED' },
    { name: 'and taken back', said: passedOn({}, { revoked: true }), code: 'GRANT_ENDED' },
    {
      name: 'by a delegate who is excluded since',
      said: { ...passedOn(), policy: samplePolicy({ exclusions: excluding('dr-b') }) },
      code: 'NO_GRANT',
    },
  ])('$name: $code', ({ said, code }) => {
    expect(codeOf({}, said)).toBe(code);
  });

  it('never outlives its parent, nor reaches beyond it', () => {
    fc.assert(
      fc.property(requests, consentsOfAnyPatient, (request, consents) => {
        const decision = decideAccess(request, consents);
        if (decision.outcome === 'deny' || decision.basis.kind !== 'delegation') return;
        const { grantId } = decision.basis;
        const parent = consents.grants.find((grant) => grant.grantId === grantId);
        const holder = mid(parent?.grantee.id ?? '');
        const asHolder = { ...request, actor: { memberId: holder, role: 'doctor' as const } };
        const alone = sampleConsents({ grants: parent === undefined ? [] : [parent], used: consents.used });
        expect(decideAccess(asHolder, alone).outcome).toBe('permit');
      }),
      { numRuns: 3000 },
    );
  });
});
