import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalJson, type GrantBody, type MemberId, type Purpose } from '@medledger/chaincode/domain';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import { accessLog, addFile, giveGrant, open } from '../support/care.js';
import { makeActor, makeOrganisation, randomId, signGrant } from '../support/chain-actor.js';
import { untilTrue } from '../support/eventually.js';
import { type Member, problemOf, signIn, signUp } from '../support/member.js';
import { runVerb } from '../support/network-verb.js';
import { LEDGER, type RunningNetwork, runNetwork } from '../support/running-network.js';
import { changeState, logLines } from '../support/tamper.js';

const DAY_MS = 86_400_000;
const BYTES = randomBytes(2000);

let network: RunningNetwork;
let patient: Member;
let record: AddedRecord;

beforeAll(async () => {
  network = await runNetwork();
  patient = await signUp(network.gatewayUrl('HospitalAMSP'));
  record = await addFile(patient, patient.memberId, { bytes: BYTES });
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

/** Rows as the chaincode would write them for a grant to doctor-b; the statement is signed by the attacker's own key. */
async function forgedGrant(): Promise<Readonly<Record<string, () => string>>> {
  const attacker = await makeActor(makeOrganisation('HospitalBMSP'), { memberId: patient.memberId, role: 'patient' });
  const grantId = randomId<string>('g');
  const nowMs = Date.now();
  const body: GrantBody = {
    grantee: { kind: 'person', id: 'doctor-b' as MemberId },
    actions: ['read'],
    scope: {},
    purpose: 'TREAT' as Purpose,
    fromMs: nowMs - DAY_MS,
    untilMs: nowMs + DAY_MS,
  };
  const statement = signGrant(attacker, { grantId, body });
  const { memberId } = patient;
  return {
    [`grant~${memberId}~${grantId}`]: () => canonicalJson({ grant: { ...statement }, txId: '0'.repeat(64) }),
    [`grantof~${grantId}`]: () => canonicalJson({ patientId: memberId }),
    [`grantee~${memberId}~person~doctor-b`]: () => canonicalJson({ grantIds: [grantId] }),
  };
}

async function restartedWith(mspIds: readonly string[], rows: Readonly<Record<string, () => string>>): Promise<Member> {
  const { dataDir, portBase } = network;
  await network.stop();
  for (const mspId of mspIds) await changeState(dataDir, mspId, rows);
  network = await runNetwork({ dataDir, portBase });
  return signIn(network.credential('doctor-b'));
}

describe('a grant in state that the patient never signed', () => {
  let rows: Readonly<Record<string, () => string>>;

  it('in one peer: the peers do not agree, and nothing is committed or opened', async () => {
    rows = await forgedGrant();
    const doctor = await restartedWith(['HospitalBMSP'], rows);
    const reply = await open(doctor, record.recordId);
    expect([reply.status, problemOf(reply).code]).toEqual([409, 'LEDGER_CONFLICT']);
  });

  it('in two peers: nothing is opened, and who has it is named', async () => {
    const doctor = await restartedWith(['GovernmentMSP'], rows);
    if (LEDGER === 'fabric') await expectRefusedByCustodians(doctor);
    else await expectSetAside(doctor);
  });

  it('all others go on: the patient opens, grants and is read by whom she lets', async () => {
    patient = await signIn(patient);
    expect((await open(patient, record.recordId)).bytes.equals(BYTES)).toBe(true);
    await giveGrant(patient, { to: 'doctor-a' });
    const doctor = await signIn(network.credential('doctor-a'));
    expect((await open(doctor, record.recordId)).bytes.equals(BYTES)).toBe(true);
  });
});

/** The endorsers permit and the entry commits; the custodians look for the patient's signature. */
async function expectRefusedByCustodians(doctor: Member): Promise<void> {
  const reply = await open(doctor, record.recordId);
  const problem = problemOf(reply);
  expect([reply.status, problem.code]).toEqual([403, 'RELEASE_REFUSED']);
  const reasons = Object.fromEntries((problem.custodians ?? []).map(({ custodian, code }) => [custodian, code]));
  // The third peer holds no such grant: there the opening is in a block as MVCC_READ_CONFLICT.
  expect(reasons).toEqual({
    HospitalAMSP: 'RELEASE_REFUSED',
    HospitalBMSP: 'EVIDENCE_INVALID',
    GovernmentMSP: 'EVIDENCE_INVALID',
  });
  const auditor = await signIn(network.credential('auditor-1'));
  const isOpening = ({ action, outcome, actor }: { action: string; outcome: string; actor: { memberId: string } }) =>
    action === 'open' && outcome === 'permit' && actor.memberId === 'doctor-b';
  await untilTrue(
    async () => (await accessLog(auditor, patient.memberId)).filter(isOpening),
    (items) => items.length === 1,
  );
}

/**
 * The embedded ledger judges the block again where its peers differ: one honest peer is right against two. What the
 * doctor is told depends on how far the opening was when the two were set aside.
 */
async function expectSetAside(doctor: Member): Promise<void> {
  expect((await open(doctor, record.recordId)).status).toBeGreaterThanOrEqual(400);
  const { dataDir, portBase } = network;
  await untilTrue(
    () => logLines(dataDir, 'ledger').flatMap(({ msg, peer }) => (msg === 'peer set aside' ? [peer] : [])),
    (named) => [...named].sort().join() === 'GovernmentMSP,HospitalBMSP',
  );
  await network.stop();
  for (const mspId of ['HospitalBMSP', 'GovernmentMSP']) {
    expect(await runVerb('rebuild-peer', '--org', mspId, '--data', dataDir)).toMatchObject({ status: 0 });
  }
  network = await runNetwork({ dataDir, portBase });
  const reply = await open(await signIn(network.credential('doctor-b')), record.recordId);
  expect([reply.status, problemOf(reply).code]).toEqual([403, 'NO_GRANT']);
}
