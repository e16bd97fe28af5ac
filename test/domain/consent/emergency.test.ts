import { describe, expect, it } from '@jest/globals';
import {
  type AccessRequest,
  type Actor,
  type Consents,
  type Emergency,
  decideAccess,
  declarationRefusal,
  limits,
  mayReview,
  type OpenEmergency,
  type Policy,
  requireDeclaration,
} from '@medledger/chaincode/domain';
import {
  agency,
  DOCTOR,
  eid,
  excluding,
  FROM_MS,
  mid,
  SAMPLE_RECORD,
  sampleConsents,
  sampleEmergency,
  sampleGrant,
  samplePolicy,
  sampleRequest,
  UNTIL_MS,
} from './grant-samples.js';

const asked: Partial<AccessRequest> = { purpose: 'ETREAT', emergencyId: eid(1) };
const decide = (request: Partial<AccessRequest>, changes: Partial<Consents> = {}) => {
  const said = sampleConsents({ policy: samplePolicy(), emergencies: [sampleEmergency()], ...changes });
  const decision = decideAccess(sampleRequest({ ...asked, ...request }), said);
  return decision.outcome === 'permit' ? decision.basis.kind : decision.code;
};
const ceiling = (emergency: Partial<Policy['emergency']>) => ({
  policy: samplePolicy({ emergency: { allowed: true, labels: ['N'], excludedClasses: [], ...emergency } }),
});
const { EMERGENCY_DURATION_MAX_MS, EMERGENCY_SKEW_MAX_MS } = limits;

describe('a declared emergency', () => {
  it.each<{ name: string; request?: Partial<AccessRequest>; said?: Partial<Consents>; code: string }>([
    { name: 'opens what the ceiling allows', code: 'emergency' },
    { name: 'of a nurse', request: { actor: { ...DOCTOR, role: 'nurse' } }, code: 'emergency' },
    { name: 'of an insurer', request: { actor: { ...DOCTOR, role: 'insurer' } }, code: 'EMERGENCY_NOT_ALLOWED' },
    {
      name: 'of somebody else',
      request: { actor: { ...DOCTOR, memberId: mid('dr-b') } },
      code: 'EMERGENCY_NOT_ALLOWED',
    },
    { name: 'that was not declared', said: { emergencies: [] }, code: 'EMERGENCY_NOT_ALLOWED' },
    {
      name: 'about another patient',
      said: { emergencies: [sampleEmergency({ patientId: mid('p-2') })] },
      code: 'EMERGENCY_NOT_ALLOWED',
    },
    { name: 'not claimed by the call', request: { purpose: 'TREAT' }, code: 'EMERGENCY_NOT_ALLOWED' },
    { name: 'does not let add', request: { action: 'add' }, code: 'EMERGENCY_NOT_ALLOWED' },
    {
      name: 'of a restricted record',
      request: { record: { ...SAMPLE_RECORD, label: 'R' } },
      code: 'EMERGENCY_NOT_ALLOWED',
    },
    {
      name: 'of a restricted record in the ceiling',
      request: { record: { ...SAMPLE_RECORD, label: 'R' } },
      said: ceiling({ labels: ['R'] }),
      code: 'emergency',
    },
    {
      name: 'of an excluded class',
      said: ceiling({ excludedClasses: ['Observation'] }),
      code: 'EMERGENCY_NOT_ALLOWED',
    },
    { name: 'of a patient who opted out', said: ceiling({ allowed: false }), code: 'EMERGENCY_NOT_ALLOWED' },
    {
      name: 'of a patient who excluded the actor',
      said: { policy: samplePolicy({ exclusions: excluding('dr-a') }) },
      code: 'EXCLUDED',
    },
    {
      name: 'is not needed where a grant speaks',
      said: { ...ceiling({ allowed: false }), grants: [sampleGrant({ purpose: 'ETREAT' })] },
      code: 'grant',
    },
    {
      name: 'comes before a grant',
      said: { grants: [sampleGrant({ purpose: 'ETREAT', uses: 1 })] },
      code: 'emergency',
    },
  ])('$name: $code', ({ request = {}, said = {}, code }) => {
    expect(decide(request, said)).toBe(code);
  });

  it('opens nothing for a patient who stated no policy', () => {
    const said = sampleConsents({ emergencies: [sampleEmergency()] });
    expect(decideAccess(sampleRequest(asked), said)).toEqual({ outcome: 'deny', code: 'EMERGENCY_NOT_ALLOWED' });
  });

  it.each([
    { name: 'as far as clocks may differ before it', atMs: FROM_MS - EMERGENCY_SKEW_MAX_MS, code: 'emergency' },
    { name: 'earlier', atMs: FROM_MS - EMERGENCY_SKEW_MAX_MS - 1, code: 'EMERGENCY_ENDED' },
    { name: 'one millisecond before its end', atMs: UNTIL_MS - 1, code: 'emergency' },
    { name: 'at its end', atMs: UNTIL_MS, code: 'EMERGENCY_ENDED' },
  ])('$name: $code', ({ atMs, code }) => {
    expect(decide({ atMs })).toBe(code);
  });

  it('opens nothing when it says more than four hours', () => {
    const lasting = (ms: number) => ({ emergencies: [sampleEmergency({ untilMs: FROM_MS + ms })] });
    expect(decide({}, lasting(EMERGENCY_DURATION_MAX_MS))).toBe('emergency');
    expect(decide({}, lasting(EMERGENCY_DURATION_MAX_MS + 1))).toBe('EMERGENCY_NOT_ALLOWED');
  });
});

describe('declarationRefusal', () => {
  const open = (reviewDueMs: number): OpenEmergency => ({ emergencyId: eid(7), patientId: mid('p-2'), reviewDueMs });
  const refusal = (given: { actor?: Actor; open?: readonly OpenEmergency[] }, policy?: Policy) => {
    const declared = { actor: DOCTOR, open: [], atMs: FROM_MS, ...given };
    return declarationRefusal(declared, sampleConsents(policy === undefined ? {} : { policy }));
  };

  it('is none where the patient allows it and nothing is overdue', () => {
    expect(refusal({ open: [open(FROM_MS + 1)] }, samplePolicy())).toBeUndefined();
  });

  it.each<{ name: string; given: Parameters<typeof refusal>[0]; policy?: Policy; code: string }>([
    { name: 'no policy', given: {}, code: 'EMERGENCY_NOT_ALLOWED' },
    { name: 'opted out', given: {}, policy: ceiling({ allowed: false }).policy, code: 'EMERGENCY_NOT_ALLOWED' },
    {
      name: 'an insurer',
      given: { actor: { ...DOCTOR, role: 'insurer' } },
      policy: samplePolicy(),
      code: 'EMERGENCY_NOT_ALLOWED',
    },
    { name: 'excluded from all', given: {}, policy: samplePolicy({ exclusions: excluding('dr-a') }), code: 'EXCLUDED' },
    { name: 'a review due now', given: { open: [open(FROM_MS)] }, policy: samplePolicy(), code: 'REVIEW_OVERDUE' },
    {
      name: 'too many not reviewed',
      given: { open: Array.from({ length: limits.OPEN_EMERGENCIES_MAX }, () => open(UNTIL_MS)) },
      policy: samplePolicy(),
      code: 'REVIEW_OVERDUE',
    },
  ])('$name: $code', ({ given, policy, code }) => {
    expect(refusal(given, policy)).toBe(code);
  });

  it('is none for who is excluded from a part: each record is decided for itself', () => {
    const exclusions = excluding('dr-a', { classes: ['Claim'] });
    expect(refusal({}, samplePolicy({ exclusions }))).toBeUndefined();
  });
});

describe('requireDeclaration', () => {
  const body = (changes: Partial<Emergency> = {}) => sampleEmergency({ untilMs: FROM_MS + 1000, ...changes });

  it('takes a declaration of now, up to four hours long', () => {
    for (const atMs of [FROM_MS - EMERGENCY_SKEW_MAX_MS, FROM_MS, FROM_MS + 999])
      expect(() => requireDeclaration(body(), atMs)).not.toThrow();
    expect(() => requireDeclaration(body({ untilMs: FROM_MS + EMERGENCY_DURATION_MAX_MS }), FROM_MS)).not.toThrow();
  });

  it.each([
    { name: 'begins too late', given: body(), atMs: FROM_MS - EMERGENCY_SKEW_MAX_MS - 1 },
    { name: 'began too early', given: body({ untilMs: UNTIL_MS }), atMs: FROM_MS + EMERGENCY_SKEW_MAX_MS + 1 },
    { name: 'lasts too long', given: body({ untilMs: FROM_MS + EMERGENCY_DURATION_MAX_MS + 1 }), atMs: FROM_MS },
    { name: 'is over', given: body(), atMs: FROM_MS + 1000 },
  ])('refuses one that $name', ({ given, atMs }) => {
    expect(() => requireDeclaration(given, atMs)).toThrow('INPUT_INVALID: /declaration/');
  });
});

describe('mayReview', () => {
  const declared = { actorId: mid('dr-a'), agencyId: agency('clinic') };
  const colleague: Actor = { memberId: mid('dr-b'), role: 'doctor', agencyId: agency('clinic') };

  it.each<{ name: string; reviewer: Actor; may: boolean }>([
    { name: 'who declared it', reviewer: DOCTOR, may: false },
    { name: 'who declared it and is a regulator now', reviewer: { ...DOCTOR, role: 'government' }, may: false },
    { name: 'a doctor of the agency', reviewer: colleague, may: true },
    { name: 'a nurse of the agency', reviewer: { ...colleague, role: 'nurse' }, may: true },
    { name: 'an administrator of the agency', reviewer: { ...colleague, role: 'admin' }, may: true },
    { name: 'an insurer of the agency', reviewer: { ...colleague, role: 'insurer' }, may: false },
    { name: 'a doctor of another agency', reviewer: { ...colleague, agencyId: agency('ward') }, may: false },
    { name: 'a doctor of none', reviewer: { memberId: mid('dr-b'), role: 'doctor' }, may: false },
    { name: 'a regulator', reviewer: { memberId: mid('gov'), role: 'government' }, may: true },
    { name: 'an auditor', reviewer: { memberId: mid('aud'), role: 'auditor' }, may: true },
    { name: 'the patient', reviewer: { memberId: mid('p-1'), role: 'patient' }, may: false },
  ])('$name: $may', ({ reviewer, may }) => {
    expect(mayReview(reviewer, declared)).toBe(may);
  });

  it('is no doctor without an agency of what was declared without one', () => {
    expect(mayReview({ memberId: mid('dr-b'), role: 'doctor' }, { actorId: mid('dr-a') })).toBe(false);
  });
});
