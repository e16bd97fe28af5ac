import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type AgencyId,
  canonicalJson,
  type ConsortiumAnswer,
  firstHead,
  type Member,
  type MemberAnswer,
  type MemberId,
  memberGenesis,
  patientGenesis,
  type RegisterDocument,
  registerDigest,
  type SignedRegister,
  tipOf,
} from '@medledger/chaincode/domain';
import {
  CHANNEL,
  type ChainActor,
  enrol,
  makeActor,
  makeOrganisation,
  makePatient,
  registerEntryOf,
  signRegister,
} from '../support/chain-actor.js';
import { registrationOf, TestConsortium } from './test-consortium.js';

let consortium: TestConsortium;
beforeAll(async () => {
  consortium = await TestConsortium.create();
});

describe('members:bootstrap', () => {
  /** A channel that has no register yet, with the organisations and members of the other one. */
  function fresh(): TestConsortium {
    const channel = new TestConsortium();
    for (const [id, actor] of consortium.actors) channel.actors.set(id, actor);
    return Object.assign(channel, {
      hospitalA: consortium.hospitalA,
      hospitalB: consortium.hospitalB,
      government: consortium.government,
    });
  }
  const send = (channel: TestConsortium, register: SignedRegister, actor = channel.actor('admin-a'), proof = '') =>
    channel.invoke(actor, 'members:bootstrap', [canonicalJson({ register }), proof]);
  const signed = (change: Partial<RegisterDocument> = {}) =>
    signRegister({ ...consortium.document(), ...change }, [consortium.hospitalA, consortium.government]);

  it('stores organisations, agencies, members, the document and the configuration', async () => {
    const channel = fresh();
    const register = signed();
    const digest = registerDigest(register.text);
    expect(JSON.parse(await send(channel, register))).toEqual({ registerVersion: 1, registerDigest: digest });
    const { member, agency } = await channel.query<MemberAnswer>(channel.actor('doctor-a'), 'members:member', {
      memberId: 'doctor-a',
    });
    const { signingKey } = channel.actor('doctor-a');
    const genesis = memberGenesis({
      channel: CHANNEL,
      memberId: 'doctor-a' as MemberId,
      signingKey,
      registerDigest: digest,
    });
    expect(member).toMatchObject({ role: 'doctor', agencyId: 'practice-a', signingKey, genesis });
    expect(agency?.agencyId).toBe('practice-a');
    expect(channel.peer.keys()).toEqual(expect.arrayContaining(['config', 'register', `registerdoc~${digest}`]));
  });

  it.each([
    { name: 'a second time', code: 'ALREADY_BOOTSTRAPPED', send: () => send(consortium, signed()) },
    { name: 'with a proof', code: 'INPUT_INVALID', send: () => send(fresh(), signed(), undefined, '{}') },
    { name: 'for another channel', code: 'INPUT_INVALID', send: () => send(fresh(), signed({ channel: 'other' })) },
    { name: 'as version 2', code: 'VERSION_CONFLICT', send: () => send(fresh(), signed({ version: 2 })) },
    {
      name: 'with one organisation signing twice',
      code: 'REGISTER_SIGNATURES_MISSING',
      send: () => send(fresh(), signRegister(consortium.document(), [consortium.hospitalA, consortium.hospitalA])),
    },
    {
      name: 'signed by an organisation that it does not name',
      code: 'REGISTER_SIGNATURES_MISSING',
      send: () =>
        send(fresh(), signRegister(consortium.document(), [consortium.hospitalA, makeOrganisation('OtherMSP')])),
    },
    {
      name: 'by a member who is no admin',
      code: 'ROLE_NOT_ALLOWED',
      send: () => send(fresh(), signed(), consortium.actor('doctor-a')),
    },
    {
      name: 'by an admin whom it does not name',
      code: 'CALLER_UNKNOWN',
      send: async () =>
        send(fresh(), signed(), await makeActor(consortium.hospitalA, { memberId: 'x', role: 'admin' })),
    },
    {
      name: 'with members of an agency that it lacks',
      code: 'MEMBER_UNKNOWN',
      send: () => send(fresh(), signed({ agencies: [] })),
    },
    {
      name: 'with a member named twice',
      code: 'INPUT_INVALID',
      send: () => {
        const { members } = consortium.document();
        return send(fresh(), signed({ members: [...members, ...members.slice(0, 1)] }));
      },
    },
  ])('$name: $code', async ({ code, send: attempt }) => {
    await expect(attempt()).rejects.toThrow(`${code}: `);
  });
});

describe('members:register', () => {
  const document = (change: Partial<RegisterDocument>): RegisterDocument => ({
    channel: CHANNEL,
    version: 2,
    organisations: [],
    agencies: [],
    members: [],
    ...change,
  });
  const submit = (
    change: Partial<RegisterDocument>,
    signers = [consortium.hospitalB, consortium.government],
    actor = consortium.actor('admin-a'),
  ) => consortium.submit(actor, 'members:register', { register: signRegister(document(change), signers) });

  it.each([
    { name: 'of version 1', change: { version: 1 }, code: 'VERSION_CONFLICT' },
    { name: 'of version 3', change: { version: 3 }, code: 'VERSION_CONFLICT' },
    { name: 'of another channel', change: { channel: 'other' }, code: 'INPUT_INVALID' },
  ])('$name: $code', async ({ change, code }) => {
    await expect(submit(change)).rejects.toThrow(`${code}: `);
  });

  it('signed by one stored organisation and one new one: REGISTER_SIGNATURES_MISSING', async () => {
    const insurer = makeOrganisation('InsurerMSP');
    const attempt = submit({ organisations: [insurer.entry] }, [insurer, consortium.hospitalA]);
    await expect(attempt).rejects.toThrow('REGISTER_SIGNATURES_MISSING: ');
  });

  it('with a member who is there, or an organisation with another key: MEMBER_EXISTS', async () => {
    const members = [registerEntryOf(consortium.actor('doctor-a'))];
    await expect(submit({ members })).rejects.toThrow('MEMBER_EXISTS: ');
    const organisations = [makeOrganisation('HospitalAMSP').entry];
    await expect(submit({ organisations })).rejects.toThrow('MEMBER_EXISTS: ');
  });

  it('with a member of an unknown organisation or agency: MEMBER_UNKNOWN', async () => {
    const elsewhere = await makeActor(makeOrganisation('OtherMSP'), { memberId: 'new-1', role: 'doctor' });
    await expect(submit({ members: [registerEntryOf(elsewhere)] })).rejects.toThrow('MEMBER_UNKNOWN: ');
    const who = { memberId: 'new-2', role: 'doctor', agencyId: 'nowhere' };
    const agencyless = await makeActor(consortium.hospitalA, who);
    await expect(submit({ members: [registerEntryOf(agencyless)] })).rejects.toThrow('MEMBER_UNKNOWN: ');
  });

  it('by a member who is no admin: ROLE_NOT_ALLOWED', async () => {
    await expect(submit({}, undefined, consortium.actor('doctor-a'))).rejects.toThrow('ROLE_NOT_ALLOWED: ');
  });

  it('adds an organisation and its members, in the lane of the admin', async () => {
    const insurer = makeOrganisation('InsurerMSP');
    const agent = await makeActor(insurer, { memberId: 'agent', role: 'insurer', agencyId: 'insurer-1' });
    const agencies = [
      { agencyId: 'insurer-1' as AgencyId, kind: 'insurer', name: 'Insurer', organisation: insurer.entry.mspId },
    ] as const;
    const members = [registerEntryOf(agent)];
    const { entry, outcome } = await submit({ organisations: [insurer.entry], agencies, members });
    expect(entry).toMatchObject({ patientId: '-', memberId: 'admin-a', sequence: 0 });
    expect(outcome).toEqual({ action: 'register', outcome: 'permit' });
    const answer = await consortium.query<ConsortiumAnswer>(agent, 'members:consortium', {});
    expect(answer.registerVersion).toBe(2);
    expect(answer.organisations.map(({ mspId }) => mspId)).toContain('InsurerMSP');
    const agencyIds = answer.agencies.map(({ agencyId }) => agencyId);
    expect(agencyIds).toEqual(['health-office', 'insurance', 'insurer-1', 'practice-a', 'practice-b']);
  });
});

describe('members:registerPatient', () => {
  const register = (patient: ChainActor, change: object = {}) => {
    const business = { ...registrationOf(patient), ...change };
    const tip = tipOf(firstHead(patientGenesis({ channel: CHANNEL, ...business })));
    return consortium.submitAt(tip, patient, 'members:registerPatient', business);
  };

  it('pins the keys and begins the lane from which all others of the patient start', async () => {
    const patient = await makePatient(consortium.government);
    const { entry } = await register(patient);
    const { member } = await consortium.query<{ member: Member }>(patient, 'members:member', {
      memberId: patient.memberId,
    });
    const { signingKey, encryptionKey, salt } = patient;
    expect(member).toMatchObject({
      role: 'patient',
      signingKey,
      encryptionKey,
      salt,
      keyEpoch: 0,
      keyCustody: 'wallet',
    });
    expect(member.genesis).toBe(entry.link);
    const tip = await consortium.tip(consortium.actor('doctor-a'), patient.memberId);
    expect(tip).toMatchObject({ sequence: 0, previous: entry.link });
  });

  it('a second time: MEMBER_EXISTS', async () => {
    const patient = await consortium.patient();
    await expect(register(patient)).rejects.toThrow('MEMBER_EXISTS: ');
  });

  it('with an id that its key does not make: INPUT_INVALID', async () => {
    const patient = await makePatient(consortium.government);
    await expect(register(patient, { salt: 'A'.repeat(22) })).rejects.toThrow('INPUT_INVALID: /patientId');
  });

  it("with another one's certificate: CALLER_UNKNOWN", async () => {
    const patient = await makePatient(consortium.government);
    const { certificatePem } = await makePatient(consortium.government);
    await expect(register({ ...patient, certificatePem })).rejects.toThrow('CALLER_UNKNOWN: ');
  });

  it('with a certificate of another role: ROLE_NOT_ALLOWED', async () => {
    const patient = await makePatient(consortium.government);
    const { memberId, privateKey, signingKey } = patient;
    const spki = Buffer.from(signingKey, 'base64url');
    const { certificatePem } = await enrol(consortium.government, { memberId, role: 'doctor', spki, privateKey });
    await expect(register({ ...patient, certificatePem })).rejects.toThrow('ROLE_NOT_ALLOWED: ');
  });

  it('from an organisation outside the register: CALLER_UNKNOWN', async () => {
    const patient = await makePatient(makeOrganisation('OtherMSP'));
    await expect(register(patient)).rejects.toThrow('CALLER_UNKNOWN: organisation');
  });

  it('with an unsolved nonce: NONCE_INVALID, and nothing is stored', async () => {
    const patient = await makePatient(consortium.government);
    const proof = { ...tipOf(firstHead(patientGenesis({ channel: CHANNEL, ...registrationOf(patient) }))) };
    const args = [canonicalJson(registrationOf(patient)), canonicalJson({ ...proof, nonce: '00'.repeat(8) })];
    await expect(consortium.invoke(patient, 'members:registerPatient', args)).rejects.toThrow('NONCE_INVALID: ');
    expect(consortium.peer.text(`member~${patient.memberId}`)).toBeUndefined();
  });
});

describe('members:member', () => {
  it('answers a caller outside the register too, and knows who is not there', async () => {
    const custodian = await makeActor(consortium.hospitalB, { memberId: 'custodian-hospital-b', role: 'admin' });
    const found = await consortium.query<MemberAnswer>(custodian, 'members:member', { memberId: 'doctor-a' });
    expect(found.member.memberId).toBe('doctor-a');
    const unknown = consortium.query(custodian, 'members:member', { memberId: 'nobody' });
    await expect(unknown).rejects.toThrow('MEMBER_UNKNOWN: ');
  });
});
