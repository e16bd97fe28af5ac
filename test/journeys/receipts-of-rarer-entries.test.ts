import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { localTopology } from '../../network/topology.js';
import { checkReceipt } from '../../scripts/receipt/check-receipt.js';
import { readMembers } from '../../scripts/receipt/msp-folder.js';
import { accessLog, addFile, inHours, open } from '../support/care.js';
import { give, outcomeOf, sendEmergency, sendPassOn, type ShownEmergency } from '../support/consents.js';
import { jsonOf, type Member, signIn, signUp } from '../support/member.js';
import { exportAuthorities, receiptOf } from '../support/receipts.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

/** Of each receipt, anywhere in it. */
const FLIPS = 10;

let network: RunningNetwork;
let authorities: string;
let doctorA: Member;
let doctorB: Member;
let patient: Member;
let recordId: string;

beforeAll(async () => {
  network = await runNetwork({ doctors: 4 });
  authorities = exportAuthorities(network);
  doctorA = await signIn(network.credential('doctor-a'));
  doctorB = await signIn(network.credential('doctor-b'));
  patient = await signUp(network.gatewayUrl('HospitalAMSP'));
  ({ recordId } = await addFile(patient, patient.memberId, { bytes: Buffer.from('x'), class: 'Condition' }));
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
  if (authorities !== undefined) rmSync(authorities, { recursive: true });
});

const ofPatient = (rest: string) => `/v1/patients/${patient.memberId}/${rest}`;

async function requested(by: Member): Promise<string> {
  const { memberId: patientId } = patient;
  const said = { actions: ['read'], scope: {}, purpose: 'TREAT', until: inHours(1), reason: 'A second opinion.' };
  const body = { patientId, ...said };
  return (await by.ask<{ requestId: string }>({ method: 'POST', path: '/v1/access-requests', body })).requestId;
}

async function emergencyAndReview(): Promise<void> {
  const { emergencyId } = jsonOf<ShownEmergency>(await sendEmergency(doctorB, patient.memberId, [recordId]));
  const admin = await signIn(network.credential('admin-b'));
  const path = ofPatient(`emergencies/${emergencyId}/review`);
  await admin.ask({ method: 'POST', path, body: { finding: 'unjustified', comment: 'The patient was awake.' } });
}

async function requestsAnswered(): Promise<void> {
  const [granted, refused] = [await requested(doctorA), await requested(doctorB)];
  await patient.ask({ method: 'POST', path: `/v1/access-requests/${granted}/approval`, body: {} });
  await patient.ask({ method: 'POST', path: `/v1/access-requests/${refused}/refusal`, body: {} });
  expect(outcomeOf(await open(doctorA, recordId))).toBe(200);
}

/** The delegate passes on and takes back; what was passed on is the basis of one reading. */
async function delegation(): Promise<void> {
  const grantee = { kind: 'delegate', id: 'doctor-b' };
  const { grantId } = await give(patient, { grantee, actions: ['read', 'share'] });
  const passed = await sendPassOn(doctorB, patient.memberId, grantId, { kind: 'person', id: 'doctor-b-2' });
  const { delegationId } = jsonOf<{ delegationId: string }>(passed);
  const colleague = await signIn(network.credential('doctor-b-2'));
  expect(outcomeOf(await open(colleague, recordId))).toBe(200);
  await doctorB.ask({ method: 'DELETE', path: ofPatient(`delegations/${delegationId}`) });
  expect(outcomeOf(await open(colleague, recordId))).not.toBe(200);
  await patient.ask({ method: 'DELETE', path: `/v1/grants/${grantId}` });
}

async function dispute(): Promise<void> {
  const path = ofPatient(`records?class=Condition&disputes=${recordId}`);
  await patient.ask({ method: 'POST', path, content: { bytes: Buffer.from('not so'), type: 'text/plain' } });
}

it('reviews, answers to requests, delegations and disputes have receipts that are good, and not with a bit changed', async () => {
  await emergencyAndReview();
  await requestsAnswered();
  await delegation();
  await dispute();
  const log = await accessLog(patient, patient.memberId);
  const transactions = [...new Map(log.map(({ transactionId, action }) => [transactionId, action]))];
  const actions = transactions.map(([, action]) => action);
  for (const action of ['emergency', 'review', 'request', 'approve', 'refuse', 'delegate', 'revoke', 'add'])
    expect(actions).toContain(action);
  const { organisations, chaincode, endorsementsNeeded: needed } = localTopology();
  const endorsers = organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
  const given = { members: readMembers(authorities), rules: { chaincode: chaincode.name, endorsers, needed } };
  const survived: string[] = [];
  for (const [transactionId, action] of transactions) {
    const { bytes } = await receiptOf(patient, transactionId);
    const report = checkReceipt(bytes, given);
    expect([action, ...report.checks.filter(({ ok }) => !ok)]).toEqual([action]);
    expect(report.decision.length).toBeGreaterThan(0);
    for (let count = 0; count < FLIPS; count += 1) {
      const changed = Uint8Array.from(bytes);
      const bit = randomInt(bytes.length * 8);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (checkReceipt(changed, given).ok) survived.push(`${action} ${bit}`);
    }
  }
  expect(survived).toEqual([]);
});
