import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import { addFile, giveGrant, open, verification } from '../support/care.js';
import { untilTrue } from '../support/eventually.js';
import { type Member, signIn, signUp } from '../support/member.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';
import { changeState, flipByte, logLines, vaultBlockFile } from '../support/tamper.js';

jest.setTimeout(180_000);

const BYTES = randomBytes(5000);

let network: RunningNetwork;

beforeAll(async () => {
  network = await runNetwork();
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

describe('one byte of a vault block', () => {
  it('flipped on the node of the reader is noticed, and the content comes from another node', async () => {
    const patient = await signUp(network.gatewayUrl('HospitalAMSP'));
    const { recordId, cid } = await addFile(patient, patient.memberId, { bytes: BYTES });
    const file = vaultBlockFile(network.dataDir, 'HospitalAMSP', cid);
    if (file === undefined) throw new Error('the node of the author holds no copy');
    flipByte(file, 1000);
    const reply = await open(patient, recordId);
    expect([reply.status, reply.bytes.equals(BYTES)]).toEqual([200, true]);
    const incidents = logLines(network.dataDir, 'gateway-hospital-a').filter(({ msg }) => msg === 'vault incident');
    expect(incidents.map(({ incident }) => incident)).toEqual([
      expect.objectContaining({ cid, kind: 'corrupt', healedFrom: expect.any(String) }),
    ]);
    const healed = vaultBlockFile(network.dataDir, 'HospitalAMSP', cid);
    expect(healed).toBe(file);
    expect((await open(patient, recordId)).bytes.equals(BYTES)).toBe(true);
  });
});

interface Attacked {
  patient: Member;
  record: AddedRecord;
  readonly mspId: string;
}

/** One character of the oldest entry of the patient's own lane: the registration's transaction id. */
function withOneByteChanged(text: string | undefined): string {
  const entry = JSON.parse(text ?? '') as { txId: string };
  const first = entry.txId.startsWith('0') ? '1' : '0';
  return (text ?? '').replace(entry.txId, `${first}${entry.txId.slice(1)}`);
}

function oldestEntry({ patient: { memberId } }: Attacked): string {
  return `entry~${memberId}~${memberId}~${'0'.repeat(10)}`;
}

describe('one byte of the oldest entry of a lane', () => {
  const attacked: Attacked[] = [];

  beforeAll(async () => {
    for (const mspId of ['HospitalAMSP', 'GovernmentMSP']) {
      const patient = await signUp(network.gatewayUrl('HospitalAMSP'));
      const record = await addFile(patient, patient.memberId, { bytes: BYTES });
      await giveGrant(patient, { to: 'doctor-b' });
      attacked.push({ patient, record, mspId });
    }
    const { dataDir, portBase } = network;
    await network.stop();
    for (const target of attacked)
      await changeState(dataDir, target.mspId, { [oldestEntry(target)]: withOneByteChanged });
    network = await runNetwork({ dataDir, portBase });
    for (const target of attacked) target.patient = await signIn(target.patient);
  });

  it('is found by the verification of the organisation whose peer it is, with lane and sequence', async () => {
    const auditor = await signIn(network.credential('auditor-1'));
    const [atHospital, atGovernment] = attacked as [Attacked, Attacked];
    const { memberId } = atHospital.patient;
    const firstBad = { lane: `${memberId}~${memberId}`, sequence: 0 };
    expect(await verification(atHospital.patient, memberId)).toMatchObject({ ok: false, firstBad });
    expect(await verification(auditor, memberId)).toMatchObject({ ok: true });
    const { memberId: other } = atGovernment.patient;
    const otherBad = { lane: `${other}~${other}`, sequence: 0 };
    expect(await verification(atGovernment.patient, other)).toMatchObject({ ok: true });
    expect(await verification(auditor, other)).toMatchObject({ ok: false, firstBad: otherBad });
  });

  it('keeps nobody from adding and opening: the other peers endorse, and the attacked one is reported', async () => {
    const doctor = await signIn(network.credential('doctor-b'));
    for (const { patient, record } of attacked) {
      expect((await open(patient, record.recordId)).bytes.equals(BYTES)).toBe(true);
      expect((await open(doctor, record.recordId)).bytes.equals(BYTES)).toBe(true);
      const added = await addFile(patient, patient.memberId, { bytes: BYTES });
      expect((await open(doctor, added.recordId)).bytes.equals(BYTES)).toBe(true);
    }
    const reports = await untilTrue(
      async () => logLines(network.dataDir, 'gateway-hospital-a').flatMap(({ report }) => (report ? [report] : [])),
      (found) => found.length > 0,
    );
    expect(reports).toContainEqual(expect.objectContaining({ mspId: 'HospitalAMSP', code: 'CHAIN_BROKEN' }));
  });
});
