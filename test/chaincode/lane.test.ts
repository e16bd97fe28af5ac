import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  canonicalJson,
  formatLaneEntry,
  formatLaneProof,
  headerHash,
  headerOf,
  type LaneEntry,
  type LaneTip,
  parseLaneEntry,
  type SetId,
  type TransactionName,
} from '@medledger/chaincode/domain';
import {
  CHANNEL,
  type ChainActor,
  enrol,
  prepareCall,
  randomId,
  signRecordSet,
  wrongNonce,
} from '../support/chain-actor.js';
import { recordOf, TestConsortium } from './test-consortium.js';

const ADD = 'records:add';
let consortium: TestConsortium;
beforeAll(async () => {
  consortium = await TestConsortium.create();
});

const additionTo = (patient: ChainActor) => {
  const set = { patientId: patient.memberId, setId: randomId<SetId>(), records: [recordOf()] };
  const { patientId, setId } = set;
  return { patientId, purpose: 'PATRQT', setId, record: recordOf(), authorSignature: signRecordSet(patient, set) };
};

async function solved(patient: ChainActor, change: { tip?: Partial<LaneTip>; name?: TransactionName } = {}) {
  const tip = { ...(await consortium.tip(patient, patient.memberId)), ...change.tip };
  const business = additionTo(patient);
  return prepareCall(patient, { transaction: change.name ?? ADD, business, patientId: patient.memberId, tip });
}

/** A patient's own lane with this many entries, the registration included. */
async function patientWithEntries(count: number): Promise<ChainActor> {
  const patient = await consortium.patient();
  for (let entries = 1; entries < count; entries++) await consortium.addSet(patient);
  return patient;
}

const entryKeyOf = (patient: ChainActor, sequence: number) =>
  `entry~${patient.memberId}~${patient.memberId}~${String(sequence).padStart(10, '0')}`;
const headKeyOf = (patient: ChainActor) => `lane~${patient.memberId}~${patient.memberId}`;
const endorseAddition = (patient: ChainActor) => consortium.endorse(patient, ADD, additionTo(patient));

describe('a solved call', () => {
  it('extends the lane by one entry that names transaction, link and time', async () => {
    const patient = await consortium.patient();
    const before = await consortium.tip(patient, patient.memberId);
    const answer = await consortium.submit(patient, ADD, additionTo(patient));
    const entry = parseLaneEntry(consortium.peer.text(entryKeyOf(patient, 1)) ?? '');
    expect(entry).toMatchObject({ transaction: ADD, sequence: 1, previous: before.previous, link: answer.entry.link });
    expect(answer.tip).toEqual(await consortium.tip(patient, patient.memberId));
  });

  it('announces patient, actor, place and action, and nothing of the payload', async () => {
    const patient = await consortium.patient();
    const { event } = await endorseAddition(patient);
    const { memberId } = patient;
    expect(event?.name).toBe('entry');
    expect(JSON.parse(event?.payload ?? '')).toEqual({ patientId: memberId, memberId, sequence: 1, action: 'add' });
  });

  it('bears no earlier time than the entry before it', async () => {
    const patient = await consortium.patient();
    const { entry } = await consortium.submit(patient, ADD, additionTo(patient));
    const { businessJson, proofJson } = await solved(patient);
    const backdated = { creator: patient, name: ADD, args: [businessJson, proofJson], timeMs: entry.timeMs - 60_000 };
    const { payload } = await consortium.peer.simulate(backdated);
    expect(JSON.parse(payload).entry.timeMs).toBe(entry.timeMs);
  });

  it('retargets after 64 entries, with the configured interval', async () => {
    const patient = await patientWithEntries(63);
    const before = await consortium.tip(patient, patient.memberId);
    const { tip } = await consortium.submit(patient, ADD, additionTo(patient));
    expect(tip.sequence).toBe(64);
    // Head query and submission each take ten seconds of this clock, so entries came at half the wanted rate.
    expect(tip.difficulty).toBeGreaterThan(before.difficulty * 0.49);
    expect(tip.difficulty).toBeLessThan(before.difficulty * 0.52);
  });
});

describe('a call that is not solved for the lane as it is', () => {
  it.each([
    { name: 'sequence', tip: { sequence: 0 }, code: 'STALE_HEAD' },
    { name: 'later sequence', tip: { sequence: 9 }, code: 'STALE_HEAD' },
    { name: 'previous link', tip: { previous: 'ab'.repeat(32) }, code: 'STALE_HEAD' },
    { name: 'root', tip: { root: 'ab'.repeat(32) }, code: 'STALE_HEAD' },
    { name: 'difficulty', tip: { difficulty: 256 }, code: 'STALE_HEAD' },
  ])('has another $name: $code', async ({ tip, code }) => {
    const patient = await consortium.patient();
    const { businessJson, proofJson } = await solved(patient, { tip });
    await expect(consortium.simulate(patient, ADD, [businessJson, proofJson])).rejects.toThrow(`${code}: `);
  });

  it('was overtaken by another entry: STALE_HEAD', async () => {
    const patient = await consortium.patient();
    const { businessJson, proofJson } = await solved(patient);
    await consortium.addSet(patient);
    await expect(consortium.simulate(patient, ADD, [businessJson, proofJson])).rejects.toThrow('STALE_HEAD: ');
  });

  it('is sent twice at once: the second is a conflict', async () => {
    const patient = await consortium.patient();
    const { businessJson, proofJson } = await solved(patient);
    const first = await consortium.simulate(patient, ADD, [businessJson, proofJson]);
    const second = await consortium.simulate(patient, ADD, [businessJson, proofJson]);
    expect([consortium.peer.commit(first), consortium.peer.commit(second)]).toEqual(['VALID', 'MVCC_READ_CONFLICT']);
  });

  it('bears a nonce that misses the target: NONCE_INVALID, and only the head was read', async () => {
    const patient = await consortium.patient();
    const tip = await consortium.tip(patient, patient.memberId);
    const { memberId, keyHash } = patient;
    const businessJson = canonicalJson(additionTo(patient));
    const call = { channel: CHANNEL, transaction: ADD, businessJson, memberId, keyHash, patientId: memberId, tip };
    const nonce = wrongNonce(headerHash(headerOf(call)), tip.difficulty);
    const args = [businessJson, formatLaneProof({ ...tip, nonce })];
    const { message, reads } = await consortium.peer.simulate({ creator: patient, name: ADD, args, timeMs: 0 });
    expect(message).toMatch(/^NONCE_INVALID: /);
    expect([...reads.keys()]).toEqual([headKeyOf(patient)]);
  });
});

describe('a proof for something else', () => {
  it('was solved for another business argument: NONCE_INVALID', async () => {
    const patient = await consortium.patient();
    const { proofJson } = await solved(patient);
    const args = [canonicalJson(additionTo(patient)), proofJson];
    await expect(consortium.simulate(patient, ADD, args)).rejects.toThrow('NONCE_INVALID: ');
  });

  it('was solved for another function: NONCE_INVALID', async () => {
    const patient = await consortium.patient();
    const { businessJson, proofJson } = await solved(patient, { name: 'records:addBatch' });
    await expect(consortium.simulate(patient, ADD, [businessJson, proofJson])).rejects.toThrow('NONCE_INVALID: ');
  });

  it('was solved by another member who stands at the same place: NONCE_INVALID', async () => {
    const patient = await consortium.patient();
    const tip = await consortium.tip(consortium.actor('doctor-a'), patient.memberId);
    const call = { transaction: ADD, business: additionTo(patient), patientId: patient.memberId, tip } as const;
    const { businessJson, proofJson } = prepareCall(consortium.actor('doctor-a'), call);
    const other = consortium.actor('doctor-b');
    await expect(consortium.simulate(other, ADD, [businessJson, proofJson])).rejects.toThrow('NONCE_INVALID: ');
  });

  it('has no proof, one argument too few, or unknown bytes: refused', async () => {
    const patient = await consortium.patient();
    const { businessJson, proofJson } = await solved(patient);
    await expect(consortium.simulate(patient, ADD, [businessJson, ''])).rejects.toThrow('JSON_INVALID: ');
    await expect(consortium.simulate(patient, ADD, [businessJson])).rejects.toThrow('Expected 2 parameters');
    await expect(consortium.simulate(patient, ADD, [` ${businessJson}`, proofJson])).rejects.toThrow('JSON_INVALID: ');
    await expect(consortium.simulate(patient, 'records:remove', ['{}'])).rejects.toThrow('does not exist');
  });

  it('is about a patient who is not there: PATIENT_UNKNOWN', async () => {
    const business = { ...additionTo(consortium.actor('doctor-a')), patientId: 'p-nobody' };
    const tip = { sequence: 0, previous: '00'.repeat(32), root: '00'.repeat(32), difficulty: 4096 };
    await expect(consortium.submitAt(tip, consortium.actor('doctor-a'), ADD, business)).rejects.toThrow(
      'PATIENT_UNKNOWN: ',
    );
  });
});

describe('a certificate that differs from the register', () => {
  const doctorAs = (change: object) => {
    const { memberId, privateKey, signingKey } = consortium.actor('doctor-a');
    const spki = Buffer.from(signingKey, 'base64url');
    return { memberId, role: 'doctor', agencyId: 'practice-a', spki, privateKey, ...change };
  };

  it.each([
    { name: 'role', change: { role: 'nurse' } },
    { name: 'agency', change: { agencyId: 'practice-b' } },
    { name: 'no agency', change: { agencyId: undefined } },
  ])('in $name: CALLER_UNKNOWN', async ({ change }) => {
    const patient = await consortium.patient();
    const imposter = await enrol(consortium.hospitalA, doctorAs(change));
    await expect(consortium.submit(imposter, ADD, additionTo(patient))).rejects.toThrow('CALLER_UNKNOWN: ');
  });

  it('in organisation: CALLER_UNKNOWN', async () => {
    const patient = await consortium.patient();
    const imposter = await enrol(consortium.hospitalB, doctorAs({}));
    await expect(consortium.submit(imposter, ADD, additionTo(patient))).rejects.toThrow('CALLER_UNKNOWN: ');
  });

  it('in key: CALLER_UNKNOWN', async () => {
    const patient = await consortium.patient();
    const { signingKey, privateKey } = consortium.actor('doctor-b');
    const keys = { spki: Buffer.from(signingKey, 'base64url'), privateKey };
    const imposter = await enrol(consortium.hospitalA, doctorAs(keys));
    await expect(consortium.submit(imposter, ADD, additionTo(patient))).rejects.toThrow('CALLER_UNKNOWN: ');
  });

  it('in a second certificate behind the first: CALLER_UNKNOWN', async () => {
    const patient = await consortium.patient();
    const doctor = consortium.actor('doctor-a');
    const certificatePem = doctor.certificatePem + consortium.actor('doctor-b').certificatePem;
    await expect(consortium.submit({ ...doctor, certificatePem }, ADD, additionTo(patient))).rejects.toThrow();
  });
});

const rewrite = (change: Partial<LaneEntry>) => (text: string) =>
  formatLaneEntry({ ...parseLaneEntry(text), ...change });

describe('a lane whose entries were changed behind the chain', () => {
  it.each([
    { name: 'the last entry', sequence: 4 },
    { name: 'the first entry', sequence: 0 },
    { name: 'an entry in between', sequence: 2 },
  ])('$name: CHAIN_BROKEN, with its place', async ({ sequence }) => {
    const patient = await patientWithEntries(5);
    consortium.peer.tamper(entryKeyOf(patient, sequence), rewrite({ outcome: '{"action":"register"}' }));
    const { memberId } = patient;
    await expect(endorseAddition(patient)).rejects.toThrow(
      `CHAIN_BROKEN: lane ${memberId}~${memberId}, entry ${sequence} changed`,
    );
  });

  it('an entry is missing: CHAIN_BROKEN', async () => {
    const patient = await patientWithEntries(4);
    consortium.peer.tamper(entryKeyOf(patient, 1), () => undefined);
    await expect(endorseAddition(patient)).rejects.toThrow('entry 1 missing');
  });

  it('an entry is no entry any more: CHAIN_BROKEN', async () => {
    const patient = await patientWithEntries(3);
    consortium.peer.tamper(entryKeyOf(patient, 1), (text) => text.slice(1));
    await expect(endorseAddition(patient)).rejects.toThrow('CHAIN_BROKEN: ');
  });

  it('the peer cannot read an entry: CHAIN_BROKEN', async () => {
    const patient = await patientWithEntries(3);
    consortium.peer.spoil(entryKeyOf(patient, 1));
    await expect(endorseAddition(patient)).rejects.toThrow('entry 1 unreadable');
  });

  it('a long lane: the pair that the new entry chooses is looked at', async () => {
    const patient = await patientWithEntries(20);
    const { reads } = await endorseAddition(patient);
    const looked = [...reads.keys()].filter((key) => key.startsWith('entry~')).map((key) => Number(key.slice(-10)));
    expect(looked).toHaveLength(3);
    expect(looked[1]).toBe((looked[0] ?? 0) + 1);
    expect(looked[2]).toBe(19);
    for (let sequence = 0; sequence < 19; sequence++)
      consortium.peer.tamper(entryKeyOf(patient, sequence), rewrite({ timeMs: 7 }));
    await expect(endorseAddition(patient)).rejects.toThrow('CHAIN_BROKEN: ');
  });
});

describe('a lane whose head was changed behind the chain', () => {
  it('the peer cannot read the head: CHAIN_BROKEN', async () => {
    const patient = await patientWithEntries(2);
    const { businessJson, proofJson } = await solved(patient);
    consortium.peer.spoil(headKeyOf(patient));
    await expect(consortium.simulate(patient, ADD, [businessJson, proofJson])).rejects.toThrow('CHAIN_BROKEN: ');
  });

  it.each([
    { name: 'other previous link', change: (head: object) => ({ ...head, previous: 'ab'.repeat(32) }) },
    { name: 'other peaks', change: (head: { peaks: string[] }) => ({ ...head, peaks: head.peaks.toReversed() }) },
    { name: 'other time', change: (head: object) => ({ ...head, timeMs: 1 }) },
  ])('the head with $name: CHAIN_BROKEN', async ({ change }) => {
    const patient = await patientWithEntries(3);
    const { businessJson, proofJson } = await solved(patient);
    consortium.peer.tamper(headKeyOf(patient), (text) => canonicalJson(change(JSON.parse(text))));
    await expect(consortium.simulate(patient, ADD, [businessJson, proofJson])).rejects.toThrow('CHAIN_BROKEN: ');
  });

  it('the head was set back to an earlier one: CHAIN_BROKEN', async () => {
    const patient = await patientWithEntries(2);
    const earlier = consortium.peer.text(headKeyOf(patient)) ?? '';
    await consortium.addSet(patient);
    const { businessJson, proofJson } = await solved(patient);
    consortium.peer.tamper(headKeyOf(patient), () => earlier);
    await expect(consortium.simulate(patient, ADD, [businessJson, proofJson])).rejects.toThrow('beyond the head');
  });

  it('the head was taken away: CHAIN_BROKEN', async () => {
    const patient = await patientWithEntries(2);
    const { businessJson, proofJson } = await solved(patient);
    consortium.peer.tamper(headKeyOf(patient), () => undefined);
    await expect(consortium.simulate(patient, ADD, [businessJson, proofJson])).rejects.toThrow('beyond the head');
  });
});
