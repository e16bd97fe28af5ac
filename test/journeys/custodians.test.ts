import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import { addFile, giveGrant, listRecords, open, sendFile } from '../support/care.js';
import { untilTrue } from '../support/eventually.js';
import { jsonOf, type Member, problemOf, signIn, signUp } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';
import { holdsShare, logLines, replaceShare } from '../support/tamper.js';

const BYTES = randomBytes(3000);
/** Shorter than the fifteen seconds that a gateway waits for another one. */
const WITHOUT_THE_SILENT_MS = 14_000;

let network: RunningNetwork;
let patient: Member;
let doctor: Member;
let record: AddedRecord;

beforeAll(async () => {
  network = await runNetwork();
  patient = await signUp(network.gatewayUrl('HospitalAMSP'));
  record = await addFile(patient, patient.memberId, { bytes: BYTES });
  await giveGrant(patient, { to: 'doctor-a' });
  doctor = await signIn(network.credential('doctor-a'));
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

async function expectOpens(member: Member, recordId: string, bytes: Uint8Array): Promise<void> {
  const reply = await open(member, recordId);
  expect([reply.status, reply.bytes.equals(bytes)]).toEqual([200, true]);
}

describe('one custodian down', () => {
  const added = randomBytes(3000);
  let whileDown: AddedRecord;

  it('records open and are added', async () => {
    await network.stopProcess('gateway-hospital-b');
    await expectOpens(doctor, record.recordId, BYTES);
    whileDown = await addFile(patient, patient.memberId, { bytes: added });
    await expectOpens(doctor, whileDown.recordId, added);
    expect(holdsShare(network.dataDir, 'HospitalBMSP', whileDown.recordId)).toBe(false);
  });

  it('back, it gets the shares that it missed, and they serve when another one is down', async () => {
    await network.startStopped();
    const { dataDir } = network;
    const { recordId } = whileDown;
    await untilTrue(() => holdsShare(dataDir, 'HospitalBMSP', recordId), Boolean);
    await network.stopProcess('gateway-government');
    await expectOpens(doctor, recordId, added);
    await network.startStopped();
  });

  it('silent instead of gone, it holds nobody up', async () => {
    const pid = network.processes()['gateway-hospital-b'] ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const startedMs = performance.now();
      await expectOpens(doctor, record.recordId, BYTES);
      const openedMs = performance.now() - startedMs;
      await addFile(patient, patient.memberId, { bytes: randomBytes(100) });
      const addedMs = performance.now() - startedMs - openedMs;
      expect(Math.max(openedMs, addedMs)).toBeLessThan(WITHOUT_THE_SILENT_MS);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
});

describe('two custodians down', () => {
  const file = { bytes: randomBytes(3000), key: 'two-down' };
  let count: number;

  it('opening and adding are refused with a reason, the opening after its entry', async () => {
    count = (await listRecords(patient, patient.memberId)).length;
    await network.stopProcess('gateway-hospital-b');
    await network.stopProcess('gateway-government');
    const refused = await open(doctor, record.recordId);
    expect([refused.status, problemOf(refused).code]).toEqual([503, 'CUSTODIANS_UNAVAILABLE']);
    expect(problemOf(refused).transactionId).toMatch(/^[0-9a-f]{64}$/);
    const silent = (problemOf(refused).custodians ?? []).map(({ custodian }) => custodian).sort();
    expect(silent).toEqual(['GovernmentMSP', 'HospitalBMSP']);
    const notAdded = await sendFile(patient, patient.memberId, file);
    expect([notAdded.status, problemOf(notAdded).code]).toEqual([503, 'CUSTODIANS_UNAVAILABLE']);
    expect((await listRecords(patient, patient.memberId)).length).toBe(count);
  });

  it('back, nothing was lost, and what was refused is added once when it is sent again', async () => {
    await network.startStopped();
    await expectOpens(doctor, record.recordId, BYTES);
    const replies = [await sendFile(patient, patient.memberId, file), await sendFile(patient, patient.memberId, file)];
    expect(replies.map(({ status }) => status)).toEqual([201, 201]);
    const [{ recordId }, again] = replies.map((reply) => jsonOf<AddedRecord>(reply)) as [AddedRecord, AddedRecord];
    expect(again.recordId).toBe(recordId);
    expect((await listRecords(patient, patient.memberId)).length).toBe(count + 1);
    await expectOpens(doctor, recordId, file.bytes);
  });
});

describe('a custodian that returns a bad share', () => {
  it('is named by the gateway of the reader, who is served by the other two', async () => {
    await network.stopProcess('gateway-government');
    const { recordId, version, sha256: ciphertextSha256 } = record;
    const share = new Uint8Array(randomBytes(33));
    await replaceShare(network.dataDir, 'GovernmentMSP', { recordId, version, ciphertextSha256, share });
    await network.startStopped();
    // Where the other two are quicker the reader has the record before the third share is judged.
    const named = await untilTrue(
      async () => {
        await expectOpens(doctor, recordId, BYTES);
        return logLines(network.dataDir, 'gateway-hospital-a').filter((line) => line.recordId === recordId);
      },
      (lines) => lines.length > 0,
    );
    expect(named[0]).toMatchObject({
      custodian: 'GovernmentMSP',
      recordId,
      msg: 'a custodian returned a share that does not fit the record',
    });
  });
});
