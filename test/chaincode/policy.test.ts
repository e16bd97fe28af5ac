import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConsentsAnswer, Page, PolicyBody, RecordMetadata } from '@medledger/chaincode/domain';
import { POLICY_ID } from '@medledger/chaincode/domain';
import { type ChainActor, makePatient, signStatement } from '../support/chain-actor.js';
import { decisionsOf, policyBody, setGroup, setPolicy } from './statements.js';
import { openingOf, recordOf, registrationOf, TestConsortium } from './test-consortium.js';

let consortium: TestConsortium;
let doctor: ChainActor;
let patient: ChainActor;
let setId: string;
beforeAll(async () => {
  consortium = await TestConsortium.create();
  doctor = consortium.actor('doctor-a');
});

async function patientWithRecords(): Promise<void> {
  patient = await consortium.patient();
  setId = await consortium.addSet(patient, [recordOf(), recordOf({ label: 'R' }), recordOf({ class: 'Condition' })]);
}

const openAll = async (actor = doctor, purpose = 'TREAT') => {
  const recordIds = ['00', '01', '02'].map((index) => `${setId}${index}`);
  return decisionsOf(await consortium.submit(actor, 'access:open', openingOf(patient, recordIds, purpose)));
};
const DOCTORS: PolicyBody['defaultRule'] = {
  kind: 'permit',
  roles: ['doctor'],
  purposes: ['TREAT'],
  scope: {},
  registerVersion: 1,
};

describe('consents:setPolicy', () => {
  beforeAll(patientWithRecords);

  it('version by version, with the key of the patient', async () => {
    const { outcome } = await setPolicy(consortium, patient);
    expect(outcome).toEqual({ action: 'policy', outcome: 'permit' });
    await expect(setPolicy(consortium, patient, { version: 1 })).rejects.toThrow('VERSION_CONFLICT: ');
    await expect(setPolicy(consortium, patient, { version: 3 })).rejects.toThrow('VERSION_CONFLICT: ');
    await setPolicy(consortium, patient, { version: 2 });
    const { policy } = await consortium.query<ConsentsAnswer>(patient, 'consents:all', { patientId: patient.memberId });
    expect(policy?.text).toContain('"version":2');
  });

  it('by somebody else, or signed with another key: refused', async () => {
    await expect(setPolicy(consortium, patient, { version: 3, signer: doctor })).rejects.toThrow('NOT_THE_PATIENT: ');
    const forger = { ...patient, privateKey: doctor.privateKey };
    const policy = signStatement(forger, { kind: 'policy', id: POLICY_ID, version: 3, body: policyBody() });
    const business = { patientId: patient.memberId, policy };
    await expect(consortium.submit(patient, 'consents:setPolicy', business)).rejects.toThrow('SIGNATURE_INVALID: ');
  });

  it('that trusts a register which is not there yet: INPUT_INVALID', async () => {
    const defaultRule = { ...DOCTORS, registerVersion: 99 };
    const setting = setPolicy(consortium, patient, { version: 3, body: { defaultRule } });
    await expect(setting).rejects.toThrow('INPUT_INVALID: ');
  });
});

describe('the default of a policy', () => {
  beforeAll(patientWithRecords);

  it('without a policy nothing is given', async () => {
    expect(await openAll()).toEqual(['NO_GRANT', 'NO_GRANT', 'NO_GRANT']);
  });

  it('gives what is labelled N, to the roles and for the purposes it names, and lists it', async () => {
    await setPolicy(consortium, patient, { body: { defaultRule: DOCTORS } });
    expect(await openAll()).toEqual(['policy', 'NO_GRANT', 'policy']);
    expect(await openAll(doctor, 'HRESCH')).toEqual(['PURPOSE_NOT_GRANTED', 'NO_GRANT', 'PURPOSE_NOT_GRANTED']);
    expect(await openAll(consortium.actor('nurse-a'))).toEqual(['NO_GRANT', 'NO_GRANT', 'NO_GRANT']);
    const input = { patientId: patient.memberId, limit: 10 };
    const { items } = await consortium.query<Page<RecordMetadata>>(doctor, 'records:list', input);
    expect(items.map(({ recordId }) => recordId)).toEqual([`${setId}00`, `${setId}02`]);
  });

  it('never opens anything to an auditor or an admin', async () => {
    expect(await openAll(consortium.actor('auditor'))).toEqual(['NO_GRANT', 'NO_GRANT', 'NO_GRANT']);
  });

  it('changed between endorsement and order: a conflict', async () => {
    const opening = await consortium.endorse(doctor, 'access:open', openingOf(patient, [`${setId}00`]));
    await setPolicy(consortium, patient, { version: 2 });
    expect(consortium.peer.commit(opening)).toBe('MVCC_READ_CONFLICT');
    expect(await openAll()).toEqual(['NO_GRANT', 'NO_GRANT', 'NO_GRANT']);
  });
});

describe('an exclusion', () => {
  beforeAll(patientWithRecords);

  it.each<{ name: string; who: PolicyBody['exclusions'][number]['who'] }>([
    { name: 'a person', who: { kind: 'person', id: 'doctor-a' as never } },
    { name: 'an agency', who: { kind: 'agency', id: 'practice-a' as never } },
    { name: 'a role', who: { kind: 'role', id: 'doctor' } },
    { name: 'a role in an agency', who: { kind: 'role', id: 'doctor', agencyId: 'practice-a' as never } },
  ])('of $name beats a grant and the default', async ({ who }) => {
    await patientWithRecords();
    await consortium.grant(patient, { scope: { labels: ['N', 'R'] } });
    expect(await openAll()).toEqual(['grant', 'grant', 'grant']);
    const exclusions = [{ who, scope: { classes: ['Condition'] } }];
    await setPolicy(consortium, patient, { body: { defaultRule: DOCTORS, exclusions } });
    expect(await openAll()).toEqual(['grant', 'grant', 'EXCLUDED']);
    await setPolicy(consortium, patient, { version: 2, body: { exclusions: [{ who, scope: {} }] } });
    expect(await openAll()).toEqual(['EXCLUDED', 'EXCLUDED', 'EXCLUDED']);
  });

  it('of a group reaches whom the patient names', async () => {
    await patientWithRecords();
    const groupId = await setGroup(consortium, patient, { members: ['doctor-b'] });
    const exclusions = [{ who: { kind: 'group', id: groupId } as const, scope: {} }];
    await consortium.grant(patient);
    await setPolicy(consortium, patient, { body: { exclusions } });
    expect(await openAll()).toEqual(['grant', 'NO_GRANT', 'grant']);
    await setGroup(consortium, patient, { groupId, version: 2, members: ['doctor-a'] });
    expect(await openAll()).toEqual(['EXCLUDED', 'EXCLUDED', 'EXCLUDED']);
  });
});

describe('a policy stated at sign-up', () => {
  it('holds from the first moment, signed with the key that is pinned', async () => {
    const newcomer = await makePatient(consortium.government);
    const policy = signStatement(newcomer, { kind: 'policy', id: POLICY_ID, body: policyBody() });
    await consortium.registerWith(newcomer, { ...registrationOf(newcomer), policy });
    expect(consortium.peer.text(`policy~${newcomer.memberId}`)).toContain('statement');
    await expect(setPolicy(consortium, newcomer)).rejects.toThrow('VERSION_CONFLICT: ');
  });

  it('of somebody else, or of a later version: refused, and nobody is registered', async () => {
    const newcomer = await makePatient(consortium.government);
    const stating = { kind: 'policy', id: POLICY_ID, body: policyBody() } as const;
    const foreign = signStatement(doctor, { ...stating, patientId: newcomer.memberId });
    const withPolicy = (policy: object) => consortium.registerWith(newcomer, { ...registrationOf(newcomer), policy });
    await expect(withPolicy(foreign)).rejects.toThrow('SIGNATURE_INVALID: ');
    await expect(withPolicy(signStatement(newcomer, { ...stating, version: 2 }))).rejects.toThrow('VERSION_CONFLICT: ');
    expect(consortium.peer.text(`member~${newcomer.memberId}`)).toBeUndefined();
  });
});
