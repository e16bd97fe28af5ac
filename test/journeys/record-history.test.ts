import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import { addFile, giveGrant, inHours, listRecords, open } from '../support/care.js';
import { give, outcomeOf } from '../support/consents.js';
import { jsonOf, type Member, type Reply, signIn, signUp } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

interface ShownVersion {
  readonly recordId: string;
  readonly version: number;
  readonly authorId: string;
  readonly relatesTo?: { readonly kind: string; readonly recordId: string };
}

const FIRST = Buffer.from('Diagnosis: migraine.');
const SECOND = Buffer.from('Diagnosis: cluster headache.');
const DISPUTE = Buffer.from('I never had a headache on the left side.');

let network: RunningNetwork;
let doctorA: Member;
let doctorB: Member;
let patient: Member;
let first: AddedRecord;

beforeAll(async () => {
  network = await runNetwork({ doctors: 4 });
  doctorA = await signIn(network.credential('doctor-a'));
  doctorB = await signIn(network.credential('doctor-b'));
  patient = await signUp(network.gatewayUrl('HospitalAMSP'));
  await giveGrant(patient, { to: 'doctor-a', actions: ['read', 'add'] });
  first = await addFile(doctorA, patient.memberId, { bytes: FIRST, type: 'text/plain', class: 'Condition' });
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

function sendAbout(member: Member, relation: 'replaces' | 'disputes', recordId: string, bytes: Buffer): Promise<Reply> {
  const path = `/v1/patients/${patient.memberId}/records?class=Condition&${relation}=${recordId}`;
  return member.send({ method: 'POST', path, content: { bytes, type: 'text/plain' } });
}

async function versionsOf(recordId: string): Promise<readonly ShownVersion[]> {
  const path = `/v1/records/${recordId}/versions`;
  return (await patient.ask<{ items: ShownVersion[] }>({ method: 'GET', path })).items;
}

describe('versions and disputes', () => {
  it('the author replaces, the earlier version stays readable', async () => {
    const replaced = await sendAbout(doctorA, 'replaces', first.recordId, SECOND);
    expect(replaced.status).toBe(201);
    const second = jsonOf<AddedRecord>(replaced);
    expect(second.version).toBe(2);
    expect((await versionsOf(first.recordId)).map(({ recordId, version }) => [recordId, version])).toEqual([
      [first.recordId, 1],
      [second.recordId, 2],
    ]);
    const [earlier, later] = [await open(patient, first.recordId), await open(patient, second.recordId)];
    expect([earlier.bytes.equals(FIRST), later.bytes.equals(SECOND)]).toEqual([true, true]);
    expect(later.headers.get('x-author')).toBe('doctor-a@HospitalAMSP');
    expect(later.headers.get('x-record-version')).toBe('2');
  });

  it('a replaced version is not replaced again', async () => {
    expect(outcomeOf(await sendAbout(doctorA, 'replaces', first.recordId, SECOND))).toBe('VERSION_CONFLICT');
  });

  it('another agency cannot replace it, and nobody but the patient disputes', async () => {
    await giveGrant(patient, { to: 'doctor-b', actions: ['read', 'add'] });
    const newest = (await versionsOf(first.recordId)).at(-1)?.recordId ?? '';
    expect(outcomeOf(await sendAbout(doctorB, 'replaces', newest, SECOND))).not.toBe(201);
    expect(outcomeOf(await sendAbout(doctorB, 'disputes', newest, DISPUTE))).toBe('NOT_THE_PATIENT');
    expect((await sendAbout(patient, 'disputes', newest, DISPUTE)).status).toBe(201);
    const dispute = (await versionsOf(first.recordId)).find(({ relatesTo }) => relatesTo?.kind === 'disputes');
    expect(dispute).toMatchObject({ authorId: patient.memberId, relatesTo: { recordId: newest } });
  });
});

describe('a transfer', () => {
  it('the patient approves once; the next hospital reads it all with its origin, the first one being gone', async () => {
    const { requestId } = await doctorA.ask<{ requestId: string }>({
      method: 'POST',
      path: '/v1/access-requests',
      body: {
        patientId: patient.memberId,
        grantee: { kind: 'agency', id: 'hospital-b' },
        actions: ['read'],
        scope: {},
        purpose: 'TREAT',
        until: inHours(24),
        reason: 'Transfer to Hospital B.',
      },
    });
    await patient.ask({ method: 'POST', path: `/v1/access-requests/${requestId}/approval`, body: {} });
    const colleague = await signIn(network.credential('doctor-b-2'));
    await network.stopProcess('gateway-hospital-a');
    const records = await listRecords(colleague, patient.memberId);
    expect(records.length).toBeGreaterThanOrEqual(3);
    for (const { recordId } of records) {
      const opened = await open(colleague, recordId);
      expect(opened.status).toBe(200);
      expect(opened.headers.get('x-author')).toMatch(/@HospitalAMSP$/);
    }
    await network.startStopped();
  });
});

describe('explanations', () => {
  it('say who can see a record and why, and what a change would do', async () => {
    const other = await signUp(network.gatewayUrl('HospitalAMSP'));
    const { recordId } = await addFile(other, other.memberId, { bytes: FIRST, class: 'Condition' });
    const path = `/v1/patients/${other.memberId}/grants/preview`;
    const grant = { grantee: { kind: 'agency', id: 'hospital-a' }, actions: ['read'], scope: {}, purpose: 'TREAT' };
    const asked = { kind: 'grant', grant: { ...grant, until: inHours(1) } };
    const preview = await other.ask<{ gains: { memberId: string; recordIds: string[] }[]; losses: object[] }>({
      method: 'POST',
      path,
      body: asked,
    });
    expect(preview.losses).toEqual([]);
    const gaining = preview.gains.map(({ memberId }) => memberId).sort();
    expect(gaining).toEqual(['doctor-a', 'doctor-a-2', 'nurse-a']);
    const { grantId } = await give(other, { grantee: { kind: 'agency', id: 'hospital-a' } });
    const { items } = await other.ask<{ items: { memberId: string; ways: { basis: object }[] }[] }>({
      method: 'GET',
      path: `/v1/records/${recordId}/explanation`,
    });
    const reading = items.filter(({ ways }) => ways.length > 0);
    expect(reading.map(({ memberId }) => memberId).sort()).toEqual(gaining);
    expect(reading[0]?.ways[0]?.basis).toMatchObject({ kind: 'grant', grantId });
    const about = await other.ask<{ items: { code?: string }[] }>({
      method: 'GET',
      path: `/v1/patients/${other.memberId}/explanation?memberId=doctor-b`,
    });
    expect(about.items).toEqual([expect.objectContaining({ recordId, ways: [], code: 'NO_GRANT', inEmergency: true })]);
    expect(outcomeOf(await doctorB.send({ method: 'GET', path: `/v1/records/${recordId}/explanation` }))).toBe(
      'NOT_THE_PATIENT',
    );
  });
});
