import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import {
  accessLog,
  addBundle,
  addFile,
  bundleBytes,
  giveGrant,
  inHours,
  listRecords,
  open,
  resourcesOf,
  revoke,
  sendFile,
  transactionOf,
  verification,
} from '../support/care.js';
import { eventually, untilTrue } from '../support/eventually.js';
import { jsonOf, type Member, problemOf, type Reply, signIn, signUp } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

const MIB = 1024 * 1024;
const SCAN = randomBytes(MIB);
const BUNDLE = bundleBytes('ezekiel');
const RESOURCES = resourcesOf(BUNDLE);

let network: RunningNetwork;
let patient: Member;
let doctorA: Member;
let doctorB: Member;
let insurer: Member;
let scan: AddedRecord;

beforeAll(async () => {
  network = await runNetwork();
  doctorA = await signIn(network.credential('doctor-a'));
  doctorB = await signIn(network.credential('doctor-b'));
  insurer = await signIn(network.credential('insurer-1'));
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

/** Content-Digest is that of the body (RFC 9530), and the body is what was added. */
function expectContent(reply: Reply, bytes: Uint8Array): void {
  expect(reply.status).toBe(200);
  const digest = createHash('sha256').update(reply.bytes).digest('base64');
  expect(reply.headers.get('content-digest')).toBe(`sha-256=:${digest}:`);
  expect(reply.bytes.equals(bytes)).toBe(true);
}

/** The transaction that an opening names is in a block of this member's own peer. */
async function expectInBlock(member: Member, transactionId: string | null | undefined): Promise<void> {
  const transaction = await eventually(() => transactionOf(member, transactionId ?? ''));
  expect(transaction).toMatchObject({ validationCode: 'VALID', transaction: 'access:open' });
  expect(transaction.creator.memberId).toBe(member.memberId);
  expect(transaction.endorsers.length).toBeGreaterThanOrEqual(2);
}

describe('a patient and her records', () => {
  it('signs up, adds 1 MiB and reads it back byte for byte', async () => {
    patient = await signUp(network.gatewayUrl('HospitalAMSP'), { name: 'Ada Example' });
    scan = await addFile(patient, patient.memberId, { bytes: SCAN, type: 'application/dicom' });
    const opened = await open(patient, scan.recordId);
    expectContent(opened, SCAN);
    expect(opened.headers.get('content-type')).toBe('application/dicom');
  });

  it('gives one record for one Idempotency-Key, however often it is sent', async () => {
    const file = { bytes: randomBytes(1000), key: 'scan-again' };
    const first = await sendFile(patient, patient.memberId, file);
    const count = (await listRecords(patient, patient.memberId)).length;
    const again = await sendFile(patient, patient.memberId, file);
    expect((await listRecords(patient, patient.memberId)).length).toBe(count);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(jsonOf<AddedRecord>(again)).toEqual(jsonOf<AddedRecord>(first));
    const other = await sendFile(patient, patient.memberId, { ...file, bytes: randomBytes(1000) });
    expect([other.status, problemOf(other).code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('adds a whole Synthea bundle, every resource a record of its class', async () => {
    const before = await listRecords(patient, patient.memberId);
    const job = await addBundle(patient, BUNDLE, 'ezekiel');
    expect(job).toMatchObject({ status: 'done', done: RESOURCES.length, total: RESOURCES.length });
    const added = (await listRecords(patient, patient.memberId)).slice(before.length);
    const classes = (of: readonly string[]) => [...of].sort();
    expect(classes(added.map((record) => record.class))).toEqual(classes(RESOURCES.map((r) => r.resourceType)));
  });

  it('opens a resource of the bundle as it was sent', async () => {
    const records = await listRecords(patient, patient.memberId);
    const person = RESOURCES.find(({ resourceType }) => resourceType === 'Immunization');
    const candidates = records.filter((record) => record.class === 'Immunization');
    const replies = await Promise.all(candidates.map(({ recordId }) => open(patient, recordId)));
    const found = replies.map((reply) => jsonOf<{ id: string }>(reply)).find(({ id }) => id === person?.id);
    expect(found).toEqual(person);
  });
});

describe('doctors ask', () => {
  it('without a grant a doctor is refused, and the refusal is in a block', async () => {
    const refused = await open(doctorB, scan.recordId);
    expect([refused.status, problemOf(refused).code]).toEqual([403, 'NO_GRANT']);
    expect(refused.headers.get('x-transaction-id')).toBe(problemOf(refused).transactionId);
    await expectInBlock(doctorB, problemOf(refused).transactionId);
  });

  it('a doctor asks, the patient reads why and approves until a date, the doctor opens', async () => {
    const { requestId } = await doctorA.ask<{ requestId: string }>({
      method: 'POST',
      path: '/v1/access-requests',
      body: {
        patientId: patient.memberId,
        actions: ['read'],
        scope: {},
        purpose: 'TREAT',
        until: inHours(48),
        reason: 'The scan before the operation',
      },
    });
    type Requests = { items: { requestId: string; status: string; reason?: string; requesterId: string }[] };
    const waiting = await patient.ask<Requests>({ method: 'GET', path: '/v1/access-requests' });
    const asked = { requestId, requesterId: 'doctor-a', reason: 'The scan before the operation' };
    expect(waiting.items).toEqual([expect.objectContaining({ ...asked, status: 'pending' })]);
    expect((await open(doctorA, scan.recordId)).status).toBe(403);
    const approval = { method: 'POST', path: `/v1/access-requests/${requestId}/approval` } as const;
    await patient.ask({ ...approval, body: { until: inHours(1) } });
    const opened = await open(doctorA, scan.recordId);
    expectContent(opened, SCAN);
    await expectInBlock(doctorA, opened.headers.get('x-transaction-id'));
    expect((await open(doctorB, scan.recordId)).status).toBe(403);
  });

  it('the patient sees who opened and who was refused', async () => {
    const isOpening = ({ action, recordIds }: { action: string; recordIds: readonly string[] }) =>
      action === 'open' && recordIds.includes(scan.recordId);
    const openings = await untilTrue(
      async () => (await accessLog(patient, patient.memberId)).filter(isOpening),
      (items) => items.filter(({ actor }) => actor.memberId === 'doctor-b').length === 2,
    );
    const seen = openings.map(({ actor, outcome, code }) => [actor.memberId, actor.organisation, outcome, code]);
    expect(seen).toEqual([
      ['doctor-b', 'HospitalBMSP', 'deny', 'NO_GRANT'],
      ['doctor-a', 'HospitalAMSP', 'permit', undefined],
      ['doctor-a', 'HospitalAMSP', 'deny', 'NO_GRANT'],
      ['doctor-b', 'HospitalBMSP', 'deny', 'NO_GRANT'],
      [patient.memberId, 'HospitalAMSP', 'permit', undefined],
    ]);
  });
});

describe('a grant ends', () => {
  it('by time', async () => {
    // Long enough for a grant and an opening, of which a trial shows how long they take on this machine.
    const startedMs = Date.now();
    await revoke(patient, (await giveGrant(patient, { to: 'doctor-b' })).grantId);
    const until = new Date(Date.now() + 3_000 + 4 * (Date.now() - startedMs)).toISOString();
    const { grantId } = await giveGrant(patient, { to: 'doctor-b', until });
    expectContent(await open(doctorB, scan.recordId), SCAN);
    await wait(Date.parse(until) - Date.now() + 50);
    const refused = await open(doctorB, scan.recordId);
    expect([refused.status, problemOf(refused).code]).toEqual([403, 'GRANT_ENDED']);
    await expectInBlock(doctorB, problemOf(refused).transactionId);
    const { items } = await patient.ask<{ items: { grantId: string; status: string }[] }>({
      method: 'GET',
      path: `/v1/patients/${patient.memberId}/grants`,
    });
    expect(items.find((grant) => grant.grantId === grantId)?.status).toBe('ended');
  });

  it('by revocation', async () => {
    const { grantId } = await giveGrant(patient, { to: 'doctor-b' });
    expectContent(await open(doctorB, scan.recordId), SCAN);
    await revoke(patient, grantId);
    const refused = await open(doctorB, scan.recordId);
    expect([refused.status, problemOf(refused).code]).toEqual([403, 'GRANT_ENDED']);
    await expectInBlock(doctorB, problemOf(refused).transactionId);
  });
});

describe('an insurer', () => {
  it('opens its class for its purpose and nothing else', async () => {
    await giveGrant(patient, { to: 'insurer-1', purpose: 'HPAYMT', classes: ['Claim'] });
    const records = await listRecords(patient, patient.memberId);
    const ofClass = (wanted: string) => records.find((record) => record.class === wanted)?.recordId ?? '';
    const claim = await open(insurer, ofClass('Claim'), 'HPAYMT');
    expect([claim.status, jsonOf<{ resourceType: string }>(claim).resourceType]).toEqual([200, 'Claim']);
    const otherClass = await open(insurer, ofClass('Observation'), 'HPAYMT');
    expect([otherClass.status, problemOf(otherClass).code]).toEqual([403, 'NO_GRANT']);
    const otherPurpose = await open(insurer, ofClass('Claim'), 'TREAT');
    expect([otherPurpose.status, problemOf(otherPurpose).code]).toEqual([403, 'PURPOSE_NOT_GRANTED']);
    const listed = await listRecords(insurer, patient.memberId);
    expect(new Set(listed.map((record) => record.class))).toEqual(new Set(['Claim']));
  });

  it('sees no blocks: it keeps no peer', async () => {
    const blocks = await insurer.send({ method: 'GET', path: '/v1/explorer/blocks' });
    expect([blocks.status, problemOf(blocks).code]).toEqual([403, 'NO_PEER']);
  });
});

describe('afterwards', () => {
  it('every lane verifies, for the patient and for the auditor, whose reading is logged', async () => {
    const verdict = await verification(patient, patient.memberId);
    expect(verdict).toMatchObject({ ok: true, lanes: 4 });
    const auditor = await signIn(network.credential('auditor-1'));
    const log = await accessLog(auditor, patient.memberId);
    expect(log.at(0)).toMatchObject({ action: 'read-log', actor: { memberId: 'auditor-1', role: 'auditor' } });
    expect(await verification(auditor, patient.memberId)).toMatchObject({ ok: true, lanes: 5 });
  });

  it('stopped and started again, all is there', async () => {
    const before = await listRecords(patient, patient.memberId);
    const { dataDir, portBase } = network;
    expect((await network.stop()).status).toBe(0);
    network = await runNetwork({ dataDir, portBase });
    const again = await signIn(patient);
    expect(await listRecords(again, patient.memberId)).toEqual(before);
    expectContent(await open(again, scan.recordId), SCAN);
    expectContent(await open(await signIn(network.credential('doctor-a')), scan.recordId), SCAN);
    expect(await verification(again, patient.memberId)).toMatchObject({ ok: true });
  });
});
