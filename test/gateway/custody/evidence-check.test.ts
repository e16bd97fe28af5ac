import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Basis, POLICY_ID, type Purpose } from '@medledger/chaincode/domain';
import { checkEvidence, type EvidenceFound } from '../../../gateway/custody/evidence-check.js';
import { CHANNEL, makeOrganisation, randomId, signGrant, signRevocation } from '../../support/chain-actor.js';
import { bodyFor, type Circle, makeCircle, memberOf, NOW_MS, OpeningCase } from './opening-case.js';

let circle: Circle;
let opening: OpeningCase;

beforeAll(async () => {
  circle = await makeCircle();
});

beforeEach(() => {
  opening = new OpeningCase(circle);
});

function check(): EvidenceFound {
  const { basis, patientId, record, purpose, nowMs } = opening;
  return checkEvidence({
    basis,
    patientId,
    record,
    purpose: purpose as Purpose,
    creatorKeyHash: opening.creator.keyHash,
    nowMs,
    channel: CHANNEL,
    evidence: opening.evidence(),
    pinned: circle.organisations.map(({ entry }) => entry),
  });
}

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'believed';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const OWN: Basis = { kind: 'own' };

describe('a grant', () => {
  it('that the patient signed, to somebody whom two organisations name: the version relied upon', () => {
    const { memberId } = circle.patient;
    expect(check().statements).toEqual([
      { id: `${memberId}~${POLICY_ID}`, version: 0 },
      { id: `${memberId}~${opening.grantId}`, version: 1 },
    ]);
  });

  it('to the agency of the doctor is believed by the agency that the register names', () => {
    const body = bodyFor(circle.doctor, { grantee: { kind: 'agency', id: 'practice-a' as never }, registerVersion: 1 });
    opening.stored = { grant: signGrant(circle.patient, { grantId: opening.grantId, body }) };
    expect(codeOf(check)).toBe('believed');
  });

  it('that is not in state', () => {
    opening.stored = undefined;
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it('that the patient did not sign', () => {
    const body = bodyFor(circle.doctor);
    const patientId = circle.patient.memberId;
    opening.stored = { grant: signGrant(circle.otherPatient, { grantId: opening.grantId, body, patientId }) };
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it('whose text was changed after it was signed', () => {
    const { grant } = opening.stored ?? { grant: { text: '', signature: '' } };
    opening.stored = { grant: { ...grant, text: grant.text.replace('"TREAT"', '"HPAYMT"') } };
    opening.purpose = 'HPAYMT';
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it.each([
    { name: 'another channel', change: { channel: 'other' } },
    { name: 'another grant', change: { grantId: randomId<string>('g') } },
  ])('that the patient signed for $name', ({ change }) => {
    const { grantId } = opening;
    const grant = signGrant(circle.patient, { grantId, body: bodyFor(circle.doctor), ...change });
    opening.stored = { grant };
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it('that the patient signed as if she were another one', () => {
    const { patient, otherPatient, doctor } = circle;
    const given = { grantId: opening.grantId, body: bodyFor(doctor), patientId: otherPatient.memberId };
    opening.stored = { grant: signGrant(patient, given) };
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it('that the patient took back', () => {
    const revocation = signRevocation(circle.patient, { grantId: opening.grantId, version: 2 });
    opening.stored = { grant: opening.stored?.grant ?? revocation, revocation };
    expect(codeOf(check)).toBe('GRANT_ENDED');
  });

  it('with a revocation that the patient did not sign: state was forged, nothing is released', () => {
    const revocation = signRevocation(circle.otherPatient, { grantId: opening.grantId, version: 2 });
    opening.stored = { grant: opening.stored?.grant ?? revocation, revocation };
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it.each([
    { name: 'to somebody else', change: { grantee: { kind: 'person', id: 'doctor-b' } }, code: 'NO_GRANT' },
    { name: 'for another purpose', change: { purpose: 'HPAYMT' }, code: 'PURPOSE_NOT_GRANTED' },
    { name: 'for another class', change: { scope: { classes: ['Claim'] } }, code: 'NO_GRANT' },
    { name: 'to add, not to read', change: { actions: ['add'] }, code: 'NO_GRANT' },
    { name: 'that begins later', change: { fromMs: NOW_MS + 1 }, code: 'GRANT_NOT_STARTED' },
    { name: 'that ends now', change: { untilMs: NOW_MS }, code: 'GRANT_ENDED' },
  ] as const)('$name', ({ change, code }) => {
    const body = bodyFor(circle.doctor, change as Parameters<typeof bodyFor>[1]);
    opening.stored = { grant: signGrant(circle.patient, { grantId: opening.grantId, body }) };
    expect(codeOf(check)).toBe(code);
  });
});

describe('the patient', () => {
  it('whose stored key is not the one that the pseudonym certifies', () => {
    const { signingKey } = circle.otherPatient;
    opening.patient = { ...memberOf(circle.patient), signingKey };
    opening.stored = {
      grant: signGrant(circle.otherPatient, {
        grantId: opening.grantId,
        body: bodyFor(circle.doctor),
        patientId: circle.patient.memberId,
      }),
    };
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it.each(['no patient', 'no salt'])('%s in the evidence', (what) => {
    const { salt: _salt, ...withoutSalt } = memberOf(circle.patient);
    opening.patient = what === 'no patient' ? undefined : withoutSalt;
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it('opens her own records with the pinned key', () => {
    opening.basis = OWN;
    opening.creator = circle.patient;
    expect(check()).toEqual({ statements: [] });
  });

  it('does not open with another key, whatever the basis says', () => {
    opening.basis = OWN;
    opening.creator = circle.otherPatient;
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });
});

describe('the register document', () => {
  it.each(['register', 'actor'] as const)('without a %s in the evidence', (missing) => {
    opening[missing] = undefined;
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it('signed by one organisation', () => {
    opening.register = opening.registerSignedBy([circle.organisations[0]]);
    expect(codeOf(check)).toBe('REGISTER_SIGNATURES_MISSING');
  });

  it('signed twice by one organisation', () => {
    const [hospital] = circle.organisations;
    opening.register = opening.registerSignedBy([hospital, hospital]);
    expect(codeOf(check)).toBe('REGISTER_SIGNATURES_MISSING');
  });

  it('signed by an organisation whose key is only in state', () => {
    const [hospital] = circle.organisations;
    opening.register = opening.registerSignedBy([hospital, makeOrganisation('HospitalBMSP')]);
    expect(codeOf(check)).toBe('REGISTER_SIGNATURES_MISSING');
  });

  it('of another channel', () => {
    const [first, second] = circle.organisations;
    opening.register = opening.registerSignedBy([first, second], { channel: 'other' });
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it('that does not name the actor', () => {
    const [first, second] = circle.organisations;
    opening.register = opening.registerSignedBy([first, second], { named: circle.otherDoctor });
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });

  it('that names the actor with another key than the one that signed the opening', () => {
    opening.creator = { ...circle.otherDoctor, memberId: circle.doctor.memberId };
    expect(codeOf(check)).toBe('EVIDENCE_INVALID');
  });
});
