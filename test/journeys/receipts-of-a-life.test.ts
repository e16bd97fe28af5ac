import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { localTopology } from '../../network/topology.js';
import { checkReceipt } from '../../scripts/receipt/check-receipt.js';
import { readMembers } from '../../scripts/receipt/msp-folder.js';
import { accessLog, addBundle, addFile, inHours, open } from '../support/care.js';
import { alter, give, outcomeOf, setPolicy } from '../support/consents.js';
import { type Member, signIn, signUp } from '../support/member.js';
import { exportAuthorities, receiptOf } from '../support/receipts.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

let network: RunningNetwork;
let authorities: string;
let doctorA: Member;
let doctorB: Member;
let patient: Member;

beforeAll(async () => {
  network = await runNetwork();
  authorities = exportAuthorities(network);
  doctorA = await signIn(network.credential('doctor-a'));
  doctorB = await signIn(network.credential('doctor-b'));
  patient = await signUp(network.gatewayUrl('HospitalAMSP'));
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
  if (authorities !== undefined) rmSync(authorities, { recursive: true });
});

const BUNDLE = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [1, 2, 3].map((value) => ({
    resource: { resourceType: 'Observation', status: 'final', code: { text: 'Hb' }, valueInteger: value },
  })),
};

/** Everything that a patient and others say, each of it altered or taken back after it was used. */
async function live(): Promise<void> {
  const { memberId } = patient;
  const path = (rest: string) => `/v1/patients/${memberId}/${rest}`;
  const { recordId } = await addFile(patient, memberId, { bytes: Buffer.from('x'), class: 'Condition' });
  await addBundle(patient, Buffer.from(JSON.stringify(BUNDLE)), 'bundle');
  const opened = async (member: Member, wanted: number | string) =>
    expect(outcomeOf(await open(member, recordId))).toBe(wanted);

  await setPolicy(patient, { defaultRule: { kind: 'permit', roles: ['doctor'], purposes: ['TREAT'], scope: {} } });
  await opened(doctorB, 200);
  const members = { members: ['doctor-b'] };
  const { groupId } = await patient.ask<{ groupId: string }>({
    method: 'POST',
    path: path('care-groups'),
    body: members,
  });
  await setPolicy(patient, { exclusions: [{ who: { kind: 'group', id: groupId }, scope: {} }] });
  await opened(doctorB, 'EXCLUDED');

  const parent = await signUp(network.gatewayUrl('HospitalBMSP'));
  const appointed = await patient.ask<{ representationId: string }>({
    method: 'POST',
    path: path('representatives'),
    body: { memberId: parent.memberId, until: inHours(1) },
  });
  const { grantId } = await give(parent, { grantee: { kind: 'person', id: 'doctor-a' }, uses: 2 }, memberId);
  await opened(parent, 200);
  await opened(doctorA, 200);
  // The one who signed the first version speaks no more, and the second is the patient's own.
  await patient.ask({ method: 'DELETE', path: path(`representatives/${appointed.representationId}`) });
  await alter(patient, grantId, { uses: 9 });
  await opened(doctorA, 200);
  await opened(parent, 'NO_GRANT');
  await patient.ask({ method: 'DELETE', path: `/v1/grants/${grantId}` });

  await patient.ask({ method: 'PUT', path: path(`care-groups/${groupId}`), body: { members: ['doctor-a'] } });
  await setPolicy(patient, {});
  await give(patient, { grantee: { kind: 'group', id: groupId } });
  await opened(doctorA, 200);
  await patient.ask({ method: 'PUT', path: path(`care-groups/${groupId}`), body: { members: [] } });
  await opened(doctorA, 'GRANT_ENDED');
  await opened(patient, 200);
}

it('every entry of a patient’s life has a receipt that is good, whatever was said afterwards', async () => {
  await live();
  const log = await accessLog(patient, patient.memberId);
  const transactions = [...new Map(log.map(({ transactionId, action }) => [transactionId, action]))];
  const actions = new Set(transactions.map(([, action]) => action));
  for (const action of ['register', 'add', 'open', 'policy', 'group', 'appoint', 'grant', 'alter', 'revoke'])
    expect(actions).toContain(action);
  const { organisations, chaincode, endorsementsNeeded: needed } = localTopology();
  const endorsers = organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
  const members = readMembers(authorities);
  for (const [transactionId, action] of transactions) {
    const { bytes } = await receiptOf(patient, transactionId);
    const report = checkReceipt(bytes, { members, rules: { chaincode: chaincode.name, endorsers, needed } });
    expect([action, ...report.checks.filter(({ ok }) => !ok)]).toEqual([action]);
    expect(report.decision.length).toBeGreaterThan(0);
  }
});
