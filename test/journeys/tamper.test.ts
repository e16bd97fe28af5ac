import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import { addFile, giveGrant, open, verification } from '../support/care.js';
import { untilTrue } from '../support/eventually.js';
import { type Member, signIn, signUp } from '../support/member.js';
import { LEDGER, type RunningNetwork, runNetwork } from '../support/running-network.js';
import { changeState, flipByte, flipStateBit, logLines, vaultBlockFile } from '../support/tamper.js';

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
    const openFlipped = async () => {
      flipByte(file, 1000);
      const reply = await open(patient, recordId);
      expect([reply.status, reply.bytes.equals(BYTES)]).toEqual([200, true]);
      expect(vaultBlockFile(network.dataDir, 'HospitalAMSP', cid)).toBe(file);
      const lines = logLines(network.dataDir, 'gateway-hospital-a');
      return lines.filter(({ msg }) => msg === 'vault incident').at(-1)?.incident;
    };
    expect(await openFlipped()).toMatchObject({ cid, kind: 'corrupt' });
    // Just started, the nodes do not know each other yet, and the content came from another gateway instead.
    const incident = await untilTrue(
      openFlipped,
      (found) => (found as { healedFrom?: string }).healedFrom !== undefined,
    );
    expect(incident).toMatchObject({ cid, kind: 'corrupt', healedFrom: expect.stringMatching('MSP$') });
  });
});

interface Attack {
  readonly mspId: string;
  /** Whether the attacker also makes the digest of the stored row anew. */
  readonly isResealed: boolean;
}

interface Attacked extends Attack {
  patient: Member;
  readonly record: AddedRecord;
}

/** Fabric keeps no digest beside a row, so there one that was not made anew is found by the chaincode too. */
const ATTACKS: readonly Attack[] = [
  { mspId: 'HospitalAMSP', isResealed: true },
  { mspId: 'GovernmentMSP', isResealed: true },
  ...(LEDGER === 'fabric' ? [{ mspId: 'GovernmentMSP', isResealed: false }] : []),
];

/** One character of the oldest entry of the patient's own lane: the registration's transaction id. */
function withOneByteChanged(text: string | undefined): string {
  const entry = JSON.parse(text ?? '') as { txId: string };
  const first = entry.txId.startsWith('0') ? '1' : '0';
  return (text ?? '').replace(entry.txId, `${first}${entry.txId.slice(1)}`);
}

function oldestEntryOf(memberId: string): string {
  return `entry~${memberId}~${memberId}~${'0'.repeat(10)}`;
}

async function attack({ patient: { memberId }, mspId, isResealed }: Attacked): Promise<void> {
  const oldest = oldestEntryOf(memberId);
  if (isResealed) await changeState(network.dataDir, mspId, { [oldest]: withOneByteChanged });
  else await flipStateBit(network.dataDir, mspId, oldest);
}

describe('one byte of the oldest entry of a lane', () => {
  const attacked: Attacked[] = [];

  beforeAll(async () => {
    for (const how of ATTACKS) {
      const patient = await signUp(network.gatewayUrl('HospitalAMSP'));
      const record = await addFile(patient, patient.memberId, { bytes: BYTES });
      await giveGrant(patient, { to: 'doctor-b' });
      attacked.push({ patient, record, ...how });
    }
    const { dataDir, portBase } = network;
    await network.stop();
    for (const target of attacked) await attack(target);
    network = await runNetwork({ dataDir, portBase });
    for (const target of attacked) target.patient = await signIn(target.patient);
  });

  it('is found by the verification of the organisation whose peer it is, with lane and sequence', async () => {
    const auditor = await signIn(network.credential('auditor-1'));
    for (const { patient, mspId } of attacked) {
      const { memberId } = patient;
      const bad = { ok: false, firstBad: { lane: `${memberId}~${memberId}`, sequence: 0 } };
      const seen = [await verification(patient, memberId), await verification(auditor, memberId)];
      expect(seen).toMatchObject(mspId === 'HospitalAMSP' ? [bad, { ok: true }] : [{ ok: true }, bad]);
    }
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

const onEmbeddedLedger = LEDGER === 'fabric' ? describe.skip : describe;

onEmbeddedLedger('one bit of a stored row, as a bad disk flips it', () => {
  it('costs its peer the moment in which the state is made again, and nobody an answer', async () => {
    const patient = await signUp(network.gatewayUrl('HospitalBMSP'));
    const { recordId } = await addFile(patient, patient.memberId, { bytes: BYTES });
    const { dataDir, portBase } = network;
    await network.stop();
    await flipStateBit(dataDir, 'HospitalBMSP', oldestEntryOf(patient.memberId));
    network = await runNetwork({ dataDir, portBase });
    const again = await signIn(patient);
    const found = await untilTrue(
      () => verification(again, patient.memberId),
      ({ ok }) => ok,
    );
    expect(found).toMatchObject({ ok: true });
    expect((await open(again, recordId)).bytes.equals(BYTES)).toBe(true);
    await addFile(again, patient.memberId, { bytes: BYTES });
    const said = logLines(dataDir, 'ledger').filter(({ peer }) => peer === 'HospitalBMSP');
    expect(said.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([expect.stringContaining('moved to'), expect.stringContaining('was made again from')]),
    );
  });
});
