import { beforeAll, describe, expect, it } from '@jest/globals';
import type { EvidenceAnswer, GrantAnswer, GrantBody, GrantId, Page } from '@medledger/chaincode/domain';
import {
  type ChainActor,
  makeActor,
  makeOrganisation,
  randomId,
  signGrant,
  signRevocation,
} from '../support/chain-actor.js';
import { DAY_MS, TestConsortium, type SaidGrant } from './test-consortium.js';

let consortium: TestConsortium;
let patient: ChainActor;
beforeAll(async () => {
  consortium = await TestConsortium.create();
  patient = await consortium.patient();
});

const give = (change: Partial<Parameters<typeof signGrant>[1]>, signer = patient, sender = patient) => {
  const grant = signGrant(signer, { grantId: randomId('g'), body: consortium.grantBody(), ...change });
  return consortium.submit(sender, 'consents:grant', { patientId: patient.memberId, grant });
};
const giveBody = (body: SaidGrant) => give({ body: consortium.grantBody(body) });
const take = (change: { grantId: string; version?: number; channel?: string }, signer = patient, sender = patient) =>
  consortium.submit(sender, 'consents:revoke', {
    patientId: patient.memberId,
    revocation: signRevocation(signer, { version: 2, ...change }),
  });
const TO_AGENCY = { grantee: { kind: 'agency', id: 'practice-a' }, registerVersion: 1 } as const;
const indexOf = (grantee: string) => consortium.peer.text(`grantee~${patient.memberId}~${grantee}`);

describe('consents:grant', () => {
  it('stores the statement whole and says in the log what it gives', async () => {
    const grantId = randomId<GrantId>('g');
    const body = consortium.grantBody();
    const { outcome } = await give({ grantId, body });
    const { grantee, purpose, untilMs } = body;
    expect(outcome).toEqual({ action: 'grant', outcome: 'permit', purpose, grantId, grantee, untilMs });
    const { items } = await consortium.query<Page<GrantAnswer>>(patient, 'consents:grants', {
      patientId: patient.memberId,
      limit: 10,
    });
    expect(items.map((item) => item.stored.grant)).toContainEqual(signGrantText({ grantId, body }));
  });

  /** Signatures are random: only the text can be compared. */
  const signGrantText = (given: { grantId: string; body: GrantBody }) => ({
    text: signGrant(patient, given).text,
    signature: expect.any(String),
  });

  it.each([
    { name: 'for another channel', change: { channel: 'other' }, code: 'STATEMENT_INVALID' },
    { name: 'of another patient', change: { patientId: 'p-other' }, code: 'STATEMENT_INVALID' },
    { name: 'of another key epoch', change: { keyEpoch: 1 }, code: 'STATEMENT_INVALID' },
    { name: 'of version 2', change: { version: 2 }, code: 'VERSION_CONFLICT' },
  ])('$name: $code', async ({ change, code }) => {
    await expect(give(change)).rejects.toThrow(`${code}: `);
  });

  it.each<{ name: string; body: () => SaidGrant; code: string }>([
    {
      name: 'that ends now',
      body: () => ({ fromMs: 0, untilMs: consortium.timeMs + 20_000 }),
      code: 'INPUT_INVALID',
    },
    {
      name: 'for eleven years',
      body: () => ({ untilMs: consortium.timeMs + 11 * 366 * DAY_MS }),
      code: 'INPUT_INVALID',
    },
    {
      name: 'to somebody who is not there',
      body: () => ({ grantee: { kind: 'person', id: 'nobody' } }),
      code: 'MEMBER_UNKNOWN',
    },
    { name: 'to an admin', body: () => ({ grantee: { kind: 'person', id: 'admin-a' } }), code: 'MEMBER_UNKNOWN' },
    { name: 'to an auditor', body: () => ({ grantee: { kind: 'person', id: 'auditor' } }), code: 'MEMBER_UNKNOWN' },
    {
      name: 'to the patient itself',
      body: () => ({ grantee: { kind: 'person', id: patient.memberId } }),
      code: 'MEMBER_UNKNOWN',
    },
    {
      name: 'to an agency that is not there',
      body: () => ({ grantee: { kind: 'agency', id: 'doctor-a' }, registerVersion: 1 }),
      code: 'MEMBER_UNKNOWN',
    },
    { name: 'that answers a request', body: () => ({ requestId: randomId('q') }), code: 'STATEMENT_INVALID' },
  ])('$name: $code', async ({ body, code }) => {
    await expect(giveBody(body())).rejects.toThrow(`${code}: `);
  });
});

describe('consents:grant of what nobody may give', () => {
  it('with a field whose rule is not built: NOT_SUPPORTED', async () => {
    const body = consortium.grantBody({ scope: { labels: ['V'] } });
    await expect(give({ body })).rejects.toThrow('NOT_SUPPORTED: ');
  });

  it.each<{ name: string; body: SaidGrant }>([
    { name: 'to an agency that the patient has not seen', body: { grantee: { kind: 'agency', id: 'practice-a' } } },
    { name: 'under a register that is not there yet', body: { ...TO_AGENCY, registerVersion: 2 } },
    { name: 'to share, to nobody who may', body: { actions: ['read', 'share'] } },
    { name: 'to a delegate who may not share', body: { grantee: { kind: 'delegate', id: 'doctor-a' } } },
  ])('$name: INPUT_INVALID', async ({ body }) => {
    await expect(giveBody(body)).rejects.toThrow('INPUT_INVALID: ');
  });

  it('signed with another key: SIGNATURE_INVALID', async () => {
    const signer = { ...patient, privateKey: consortium.actor('doctor-a').privateKey };
    await expect(give({}, signer)).rejects.toThrow('SIGNATURE_INVALID: ');
  });

  it('with one changed byte: SIGNATURE_INVALID', async () => {
    const grant = signGrant(patient, { grantId: randomId('g'), body: consortium.grantBody() });
    const text = grant.text.replace('TREAT', 'HRESCH');
    const business = { patientId: patient.memberId, grant: { ...grant, text } };
    await expect(consortium.submit(patient, 'consents:grant', business)).rejects.toThrow('SIGNATURE_INVALID: ');
  });

  it('sent by somebody else: NOT_THE_PATIENT', async () => {
    await expect(give({}, patient, consortium.actor('doctor-a'))).rejects.toThrow('NOT_THE_PATIENT: ');
  });

  it('with an id that is stored, also of another patient: GRANT_EXISTS', async () => {
    const grantId = await consortium.grant(await consortium.patient());
    await expect(give({ grantId })).rejects.toThrow('GRANT_EXISTS: ');
  });
});

describe('the index of a grantee', () => {
  it('takes 50 live grants, refuses the next, and forgets revoked ones at the next grant', async () => {
    patient = await consortium.patient();
    const given: string[] = [];
    for (let count = 0; count < 50; count++) given.push(await consortium.grant(patient));
    await expect(give({})).rejects.toThrow('TOO_MANY_GRANTS: ');
    await giveBody({ grantee: { kind: 'person', id: 'doctor-b' } });
    await take({ grantId: given[0] ?? '' });
    const next = await consortium.grant(patient);
    const { grantIds } = JSON.parse(indexOf('person~doctor-a') ?? '');
    expect(grantIds).toEqual([...given.slice(1), next]);
  });

  it('keeps a grant that has not begun and forgets one that has ended', async () => {
    patient = await consortium.patient();
    await consortium.grant(patient, { untilMs: consortium.timeMs + DAY_MS / 2 });
    const later = await consortium.grant(patient, {
      fromMs: consortium.timeMs + DAY_MS,
      untilMs: consortium.timeMs + 2 * DAY_MS,
    });
    consortium.timeMs += DAY_MS / 2;
    const last = await consortium.grant(patient);
    expect(JSON.parse(indexOf('person~doctor-a') ?? '').grantIds).toEqual([later, last]);
  });

  it('names a grant that was taken away: STATE_CORRUPT', async () => {
    const { grantIds } = JSON.parse(indexOf('person~doctor-a') ?? '');
    consortium.peer.tamper(`grant~${patient.memberId}~${grantIds[0]}`, () => undefined);
    await expect(give({})).rejects.toThrow('STATE_CORRUPT: ');
  });
});

describe('consents:revoke', () => {
  let grantId: string;
  beforeAll(async () => {
    patient = await consortium.patient();
    grantId = await consortium.grant(patient);
  });

  it.each([
    { name: 'of version 1', change: { version: 1 }, code: 'VERSION_CONFLICT' },
    { name: 'of version 3', change: { version: 3 }, code: 'VERSION_CONFLICT' },
    { name: 'for another channel', change: { channel: 'other' }, code: 'STATEMENT_INVALID' },
    { name: 'of an unknown grant', change: { grantId: randomId<string>('g') }, code: 'GRANT_UNKNOWN' },
  ])('$name: $code', async ({ change, code }) => {
    await expect(take({ grantId, ...change })).rejects.toThrow(`${code}: `);
  });

  it('by somebody else or with another key: refused', async () => {
    await expect(take({ grantId }, patient, consortium.actor('doctor-a'))).rejects.toThrow('NOT_THE_PATIENT: ');
    const signer = { ...patient, privateKey: consortium.actor('doctor-a').privateKey };
    await expect(take({ grantId }, signer)).rejects.toThrow('SIGNATURE_INVALID: ');
  });

  it("of another patient's grant: GRANT_UNKNOWN", async () => {
    const foreign = await consortium.grant(await consortium.patient());
    await expect(take({ grantId: foreign })).rejects.toThrow('GRANT_UNKNOWN: ');
  });

  it('keeps both statements; a second time: GRANT_REVOKED', async () => {
    const { outcome } = await take({ grantId });
    expect(outcome).toMatchObject({ action: 'revoke', outcome: 'permit', grantId });
    await expect(take({ grantId })).rejects.toThrow('GRANT_REVOKED: ');
    const custodian = await makeActor(consortium.hospitalB, { memberId: 'custodian-hospital-b', role: 'admin' });
    const grantIds = [grantId, randomId('g')];
    const others = { delegationIds: [], representationIds: [], emergencyIds: [] };
    const input = { patientId: patient.memberId, memberId: 'doctor-a', grantIds, ...others };
    const evidence = await consortium.query<EvidenceAnswer>(custodian, 'consents:evidence', input);
    expect(evidence.grants[0]?.stored?.revocation?.text).toContain('revocation');
    expect(evidence.grants[1]?.stored).toBeUndefined();
    expect(evidence).toMatchObject({ actor: { memberId: 'doctor-a' }, patient: { memberId: patient.memberId } });
    expect(evidence.register?.signatures).toHaveLength(2);
  });

  it('is no evidence for an organisation that holds no copy of it, but about its own member', async () => {
    const clerk = await makeActor(makeOrganisation('InsurerMSP'), { memberId: 'clerk-1', role: 'insurer' });
    const others = { grantIds: [grantId], delegationIds: [], representationIds: [], emergencyIds: [] };
    const ask = (memberId: string) =>
      consortium.query<EvidenceAnswer>(clerk, 'consents:evidence', {
        patientId: patient.memberId,
        memberId,
        ...others,
      });
    await expect(ask('doctor-a')).rejects.toThrow('CALLER_UNKNOWN: ');
    expect((await ask('clerk-1')).grants).toHaveLength(1);
  });

  it('is found by its id alone', async () => {
    const located = await consortium.query(patient, 'consents:locateGrant', { grantId });
    expect(located).toEqual({ grantId, patientId: patient.memberId });
    const unknown = consortium.query(patient, 'consents:locateGrant', { grantId: randomId('g') });
    await expect(unknown).rejects.toThrow('GRANT_UNKNOWN: ');
  });
});

describe('consents:grants', () => {
  it('pages through all grants, for the patient alone', async () => {
    patient = await consortium.patient();
    const given = [await consortium.grant(patient), await consortium.grant(patient), await consortium.grant(patient)];
    const page = (actor: ChainActor, input: object) =>
      consortium.query<Page<GrantAnswer>>(actor, 'consents:grants', {
        patientId: patient.memberId,
        limit: 2,
        ...input,
      });
    const first = await page(patient, {});
    const second = await page(patient, { cursor: first.next });
    expect([...first.items, ...second.items].map((item) => item.grantId).sort()).toEqual(given.sort());
    expect(second.next).toBeUndefined();
    await expect(page(consortium.actor('doctor-a'), {})).rejects.toThrow('NOT_THE_PATIENT: ');
  });

  it('a cursor leads nowhere but into the own grants', async () => {
    const other = await consortium.patient();
    await consortium.grant(other);
    for (const cursor of ['', '0', 'g', `~${other.memberId}`, '~~~~']) {
      const input = { patientId: patient.memberId, limit: 200, ...(cursor === '' ? {} : { cursor }) };
      const { items } = await consortium.query<Page<GrantAnswer>>(patient, 'consents:grants', input);
      expect(items.every((item) => item.stored.grant.text.includes(patient.memberId))).toBe(true);
    }
  });
});
