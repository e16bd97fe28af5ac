import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addFile, open } from '../support/care.js';
import { type ShownEmergency, outcomeOf, sendEmergency, setPolicy } from '../support/consents.js';
import { needlesOf, searchDataFolder } from '../support/leak-search.js';
import { jsonOf, type Member, signIn, signUp } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

const CARD = Buffer.from('blood group AB−, allergic to penicillin');

let network: RunningNetwork;
let doctorB: Member;
let nurseA: Member;
let patient: Member;
let card: string;
let declared: ShownEmergency;

beforeAll(async () => {
  network = await runNetwork();
  doctorB = await signIn(network.credential('doctor-b'));
  nurseA = await signIn(network.credential('nurse-a'));
  patient = await signUp(network.gatewayUrl('HospitalAMSP'));
  card = (await addFile(patient, patient.memberId, { bytes: CARD, type: 'text/plain' })).recordId;
  await setPolicy(patient, { emergency: { allowed: true, labels: ['N'], excludedClasses: ['Condition'], card } });
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

describe('an emergency', () => {
  it('shows the card in one call, with the patient away and one organisation down', async () => {
    expect(outcomeOf(await open(doctorB, card))).toBe('NO_GRANT');
    await patient.send({ method: 'DELETE', path: '/v1/sessions/current' });
    await network.stopProcess('gateway-government');
    const reply = await sendEmergency(doctorB, patient.memberId);
    expect(reply.status).toBe(201);
    declared = jsonOf<ShownEmergency>(reply);
    expect(declared.records).toEqual([expect.objectContaining({ recordId: card, outcome: 'permit' })]);
    expect(Buffer.from(declared.records[0]?.contentBase64 ?? '', 'base64').equals(CARD)).toBe(true);
    await network.startStopped();
  });

  it('goes on within its hours for what the ceiling lets through, and for nothing else', async () => {
    patient = await signIn({ ...patient, password: patient.password });
    const open2 = (id: string) =>
      doctorB.send({
        method: 'GET',
        path: `/v1/records/${id}/content?purpose=ETREAT&emergencyId=${declared.emergencyId}`,
      });
    const bytes = Buffer.from('a secret condition');
    const kept = (await addFile(patient, patient.memberId, { bytes, class: 'Condition' })).recordId;
    expect([outcomeOf(await open2(card)), outcomeOf(await open2(kept))]).toEqual([200, 'EMERGENCY_NOT_ALLOWED']);
  });

  it('tells the patient in the same transaction', async () => {
    const notices = await patient.ask<{ items: object[] }>({
      method: 'GET',
      path: `/v1/patients/${patient.memberId}/notices`,
    });
    const { emergencyId, transactionId } = declared;
    expect(notices.items).toContainEqual(
      expect.objectContaining({ kind: 'emergency', memberId: 'doctor-b', emergencyId, transactionId }),
    );
  });

  it('is reviewed by a second person and by nobody else', async () => {
    const path = `/v1/patients/${patient.memberId}/emergencies/${declared.emergencyId}/review`;
    const review = { method: 'POST', path, body: { finding: 'justified', comment: 'Seen in the ward.' } } as const;
    const count = async () => {
      const { counts } = await nurseA.ask<{ counts: { agencyId: string; unreviewed: number }[] }>({
        method: 'GET',
        path: '/v1/emergencies/unreviewed',
      });
      return counts.find(({ agencyId }) => agencyId === 'hospital-b')?.unreviewed ?? 0;
    };
    expect(await count()).toBe(1);
    expect(outcomeOf(await doctorB.send(review))).not.toBe(201);
    expect(outcomeOf(await nurseA.send(review))).not.toBe(201);
    const admin = await signIn(network.credential('admin-b'));
    const auditor = await signIn(network.credential('auditor-1'));
    const outcomes = [outcomeOf(await admin.send(review)), outcomeOf(await auditor.send(review))];
    expect(outcomes).toEqual([201, 'REQUEST_CLOSED']);
    expect(await count()).toBe(0);
  });

  it('opens nothing of a patient who opted out', async () => {
    const other = await signUp(network.gatewayUrl('HospitalAMSP'));
    const { recordId } = await addFile(other, other.memberId, { bytes: CARD });
    await setPolicy(other, { emergency: { allowed: false, labels: [], excludedClasses: [] } });
    expect(outcomeOf(await sendEmergency(doctorB, other.memberId, [recordId]))).toBe('EMERGENCY_NOT_ALLOWED');
  });
});

describe('an emergency whose answer was lost', () => {
  it('goes on under its key, with an entry for each reading; what was read is kept nowhere', async () => {
    const call = {
      method: 'POST',
      path: `/v1/patients/${patient.memberId}/emergencies`,
      body: { reason: 'unconscious' },
      idempotencyKey: 'lost',
    } as const;
    const first = await doctorB.ask<ShownEmergency>(call);
    const second = await doctorB.ask<ShownEmergency>(call);
    const { emergencyId, until, reviewDue } = first as ShownEmergency & { until: string; reviewDue: string };
    expect(second).toMatchObject({ emergencyId, until, reviewDue });
    expect(second.records).toEqual(first.records);
    expect(second.transactionId).not.toBe(first.transactionId);
    await network.stop();
    expect(await searchDataFolder(network.dataDir, needlesOf('card', CARD))).toEqual([]);
  });
});
