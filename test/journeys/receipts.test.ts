import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addFile, giveGrant, inHours, open, revoke } from '../support/care.js';
import { alter, outcomeOf, sendEmergency, sendPassOn, setPolicy } from '../support/consents.js';
import { untilTrue } from '../support/eventually.js';
import { jsonOf, type Member, problemOf, signIn, signUp } from '../support/member.js';
import { exportAuthorities, receiptOf, verifyReceipt } from '../support/receipts.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

const BYTES = Buffer.from('Haemoglobin 13.9 g/dl');

let network: RunningNetwork;
let authorities: string;
let patient: Member;
let doctorA: Member;
let doctorB: Member;
let recordId: string;
let addedIn: string;
/** Transactions by what they decided. */
const decided: Record<string, string> = {};

beforeAll(async () => {
  network = await runNetwork({ doctors: 4 });
  authorities = exportAuthorities(network);
  doctorA = await signIn(network.credential('doctor-a'));
  doctorB = await signIn(network.credential('doctor-b'));
  patient = await signUp(network.gatewayUrl('HospitalAMSP'));
  const added = await addFile(patient, patient.memberId, { bytes: BYTES, type: 'text/plain' });
  recordId = added.recordId;
  addedIn = added.transactionId;
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
  if (authorities !== undefined) rmSync(authorities, { recursive: true });
});

async function openedIn(member: Member): Promise<string> {
  const reply = await open(member, recordId);
  return reply.headers.get('x-transaction-id') ?? problemOf(reply).transactionId ?? '';
}

async function goodReceipt(member: Member, transactionId: string): Promise<readonly string[]> {
  const reply = await receiptOf(member, transactionId);
  if (reply.status !== 200) throw new Error(`receipt: ${reply.status} ${reply.bytes}`);
  const { status, report } = await verifyReceipt(reply.bytes, authorities);
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(status).toBe(0);
  return report.decision;
}

describe('a receipt', () => {
  it('of a refusal and of a permit, checked with the authorities’ certificates alone', async () => {
    decided.refused = await openedIn(doctorB);
    expect((await goodReceipt(doctorB, decided.refused)).join()).toMatch(/doctor-b.*wanted to read.*refused, NO_GRANT/);
    const { grantId, transactionId } = await giveGrant(patient, { to: 'doctor-a', actions: ['read', 'add'] });
    decided.granted = transactionId;
    decided.permitted = await openedIn(doctorA);
    expect((await goodReceipt(doctorA, decided.permitted)).join()).toMatch(
      new RegExp(`doctor-a.*wanted to read.*${recordId}.*for TREAT: permitted, by grant ${grantId}, version 1`),
    );
    await alter(patient, grantId, { actions: ['read'], scope: {}, purpose: 'TREAT', until: inHours(2) });
    await revoke(patient, grantId);
  });

  it('stays good when the grant was altered, ended, and its holder excluded since', async () => {
    const exclusions = [{ who: { kind: 'person', id: 'doctor-a' }, scope: {} }];
    await setPolicy(patient, { exclusions });
    expect((await goodReceipt(patient, decided.permitted ?? '')).join()).toMatch(/permitted, by grant .*, version 1/);
    decided.excluded = await openedIn(doctorA);
    expect((await goodReceipt(patient, decided.excluded)).join()).toMatch(/refused, EXCLUDED/);
  });

  it('is given for what was said, added, delegated and read in an emergency, too', async () => {
    expect((await goodReceipt(patient, decided.granted ?? '')).join()).toMatch(/wanted to give access/);
    expect((await goodReceipt(patient, addedIn)).join()).toMatch(/wanted to add records/);
    expect((await goodReceipt(patient, await openedIn(patient))).join()).toMatch(/being the patient's own/);
    const shared = { grantee: { kind: 'delegate', id: 'doctor-b' }, actions: ['read', 'share'], purpose: 'TREAT' };
    const { grantId } = await patient.ask<{ grantId: string }>({
      method: 'POST',
      path: `/v1/patients/${patient.memberId}/grants`,
      body: { ...shared, scope: {}, until: inHours(24), uses: 3 },
    });
    // The other hospital's peer may be a block behind.
    const passed = await untilTrue(
      () => sendPassOn(doctorB, patient.memberId, grantId, { kind: 'person', id: 'doctor-b-2' }),
      ({ status }) => status === 201,
    );
    expect((await goodReceipt(doctorB, jsonOf<{ transactionId: string }>(passed).transactionId)).join()).toMatch(
      /pass access on/,
    );
    const colleague = await signIn(network.credential('doctor-b-2'));
    expect((await goodReceipt(colleague, await openedIn(colleague))).join()).toMatch(/by delegation d/);
    const emergency = await sendEmergency(doctorB, patient.memberId, [recordId]);
    const { transactionId } = jsonOf<{ transactionId: string }>(emergency);
    expect((await goodReceipt(doctorB, transactionId)).join()).toMatch(/in emergency e/);
  });
});

describe('a receipt is given', () => {
  it('to who is concerned, and to nobody else', async () => {
    const stranger = await signUp(network.gatewayUrl('HospitalAMSP'));
    const permitted = decided.permitted ?? '';
    expect((await receiptOf(doctorA, permitted)).status).toBe(200);
    for (const other of [stranger, doctorB, await signIn(network.credential('admin-a'))])
      expect(outcomeOf(await receiptOf(other, permitted))).toBe('BLOCK_UNKNOWN');
    expect(outcomeOf(await receiptOf(patient, 'ab'.repeat(32)))).toBe('BLOCK_UNKNOWN');
    const insurer = await signIn(network.credential('insurer-1'));
    expect(outcomeOf(await receiptOf(insurer, permitted))).toBe('NO_PEER');
    const auditor = await signIn(network.credential('auditor-1'));
    expect((await receiptOf(auditor, permitted)).status).toBe(200);
    const { items } = await patient.ask<{ items: { action: string; actor: { memberId: string } }[] }>({
      method: 'GET',
      path: `/v1/patients/${patient.memberId}/access-log`,
    });
    expect(items[0]).toMatchObject({ action: 'read-log', actor: { memberId: 'auditor-1' } });
  });

  it('with one organisation down, and with two down not', async () => {
    await network.stopProcess('gateway-government');
    await goodReceipt(doctorA, decided.permitted ?? '');
    await network.stopProcess('gateway-hospital-b');
    expect(outcomeOf(await receiptOf(doctorA, decided.permitted ?? ''))).toBe('ATTESTATIONS_MISSING');
    await network.startStopped();
  });
});
