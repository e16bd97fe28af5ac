import { beforeEach, describe, expect, it } from '@jest/globals';
import { placeOf, type RecordId } from '@medledger/chaincode/domain';
import { addRecords } from '../../../gateway/services/add-records.js';
import type { Caller } from '../../../gateway/services/medledger.js';
import { createOpenRecord } from '../../../gateway/services/open-record.js';
import { IDENTITY, type Mood, PATIENT, RecordCircle, recordsToAdd, signSet } from './record-circle.js';

const CALLER: Caller = { memberId: PATIENT, role: 'patient', sessionId: 's' };

let circle: RecordCircle;
let recordId: RecordId;
let named: string[];
/** What goes on after a record was handed over. */
let later: Promise<void>[];
let openRecord: ReturnType<typeof createOpenRecord>['openRecord'];

beforeEach(async () => {
  circle = new RecordCircle();
  named = [];
  later = [];
  const { records } = await addRecords(circle.ports, recordsToAdd(['what the doctor wrote']));
  recordId = records[0]?.recordId ?? ('' as RecordId);
  ({ openRecord } = createOpenRecord({
    chain: circle.chain,
    keysOf: () => IDENTITY,
    custodians: () => circle.custodians,
    fetchCiphertext: (cid, sha256Hex) => circle.vault.get(cid, sha256Hex),
    pinned: [],
    background: { run: (work) => void later.push(work()) },
    onBadShare: ({ custodian }) => named.push(custodian),
    onForgedOrigin: ({ recordId: id }) => named.push(id),
  }));
});

async function opened(): Promise<string> {
  const { content, contentType, transactionId } = await openRecord(CALLER, { recordId });
  expect([contentType, transactionId]).toEqual(['text/plain', 'o0']);
  return Buffer.from(content).toString('utf8');
}

describe('opening a record', () => {
  it.each<{ moods: Mood[]; bad: string[] }>([
    { moods: ['well', 'well', 'well'], bad: [] },
    { moods: ['well', 'down', 'well'], bad: [] },
    { moods: ['silent', 'well', 'well'], bad: [] },
    { moods: ['well', 'well', 'refuses'], bad: [] },
    { moods: ['bad share', 'well', 'well'], bad: ['HospitalAMSP'] },
    { moods: ['well', 'bad share', 'well'], bad: ['HospitalBMSP'] },
    { moods: ['well', 'well', 'bad share'], bad: ['GovernmentMSP'] },
  ])('with custodians that are $moods: the content, and $bad named', async ({ moods, bad }) => {
    circle.setMoods(...moods);
    expect(await opened()).toBe('what the doctor wrote');
    expect(named).toEqual(bad);
  });

  it.each<{ moods: Mood[]; code: string }>([
    { moods: ['well', 'down', 'down'], code: 'CUSTODIANS_UNAVAILABLE' },
    { moods: ['down', 'down', 'down'], code: 'CUSTODIANS_UNAVAILABLE' },
    { moods: ['well', 'refuses', 'down'], code: 'CUSTODIANS_UNAVAILABLE' },
    { moods: ['refuses', 'refuses', 'down'], code: 'RELEASE_REFUSED' },
    { moods: ['refuses', 'refuses', 'well'], code: 'RELEASE_REFUSED' },
    { moods: ['bad share', 'well', 'bad share'], code: 'KEY_UNRECOVERABLE' },
    { moods: ['bad share', 'well', 'down'], code: 'KEY_UNRECOVERABLE' },
  ])('with custodians that are $moods: $code, after the entry was committed', async ({ moods, code }) => {
    circle.setMoods(...moods);
    await expect(openRecord(CALLER, { recordId })).rejects.toMatchObject({ code, transactionId: 'o0' });
    expect(named).toEqual([]);
  });

  it('a refusal of the chain is thrown with its transaction, and no custodian is asked', async () => {
    circle.decision = 'NO_GRANT';
    const releases: string[] = [];
    for (const custodian of circle.custodians) {
      custodian.releaseShares = async (transactionId) => {
        releases.push(transactionId);
        throw new Error('asked');
      };
    }
    await expect(openRecord(CALLER, { recordId })).rejects.toMatchObject({ code: 'NO_GRANT', transactionId: 'o0' });
    expect(releases).toEqual([]);
  });

  it('a record that nobody knows is not opened', async () => {
    const unknown = openRecord(CALLER, { recordId: '0'.repeat(34) });
    await expect(unknown).rejects.toMatchObject({ code: 'RECORD_UNKNOWN' });
    expect(circle.openings.size).toBe(0);
  });

  it('a content that is not the one its author committed to is not given out', async () => {
    const { stored, setId } = await changeCommitment();
    circle.origins.set(setId, await signSet(setId, [stored]));
    await expect(openRecord(CALLER, { recordId })).rejects.toMatchObject({ code: 'CIPHERTEXT_INVALID' });
  });

  it('a record that its author did not sign as it is listed is not given out, and named', async () => {
    await changeCommitment();
    await expect(openRecord(CALLER, { recordId })).rejects.toMatchObject({ code: 'ORIGIN_INVALID' });
    expect(named).toEqual([recordId]);
  });

  it('a signature of the author over something else is none', async () => {
    const { setId } = placeOf(recordId);
    const { authorSignature } = await signSet(setId, []);
    circle.origins.set(setId, { ...(circle.origins.get(setId) ?? { digests: [] }), authorSignature });
    await expect(openRecord(CALLER, { recordId })).rejects.toMatchObject({ code: 'ORIGIN_INVALID' });
  });
});

/** What the chain lists of the record, with another commitment to its content. */
async function changeCommitment() {
  const record = circle.recorded.get(recordId);
  if (record === undefined) throw new Error('not recorded');
  const changed = { ...record, commitment: 'ab'.repeat(32) };
  circle.recorded.set(recordId, changed);
  const { class: recordClass, label, dateMs, sha256, sizeBytes, cid, commitment } = changed;
  const stored = { class: recordClass, label, dateMs, sha256, sizeBytes, cid, commitment };
  return { stored, setId: placeOf(recordId).setId };
}

describe('a custodian that takes longer than the others', () => {
  it.each<{ mood: Mood; bad: string[] }>([
    { mood: 'bad share', bad: ['HospitalAMSP'] },
    { mood: 'well', bad: [] },
    { mood: 'down', bad: [] },
    { mood: 'refuses', bad: [] },
  ])('is not waited for, and judged when it answers: $mood, $bad named', async ({ mood, bad }) => {
    const [slow] = circle.custodians;
    if (slow === undefined) throw new Error('no custodians');
    slow.mood = mood;
    const answer = slow.releaseShares.bind(slow);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    slow.releaseShares = async (transactionId) => {
      await held;
      return answer(transactionId);
    };
    expect(await opened()).toBe('what the doctor wrote');
    expect([named, later.length]).toEqual([[], 1]);
    release();
    await Promise.all(later);
    expect(named).toEqual(bad);
  });

  it('is waited for where one of the first two gave a bad share, which is then named', async () => {
    const [slow, bad] = circle.custodians;
    if (slow === undefined || bad === undefined) throw new Error('no custodians');
    bad.mood = 'bad share';
    const release = slow.releaseShares.bind(slow);
    slow.releaseShares = async (transactionId) => {
      await new Promise((resolve) => setTimeout(resolve, 1_300));
      return release(transactionId);
    };
    expect(await opened()).toBe('what the doctor wrote');
    expect(named).toEqual(['HospitalBMSP']);
  });
});
