import { describe, expect, it } from '@jest/globals';
import {
  limits,
  type MemberId,
  type MspId,
  type RecordSet,
  recordAt,
  type SetId,
  storedRecord,
  storedRecords,
} from '@medledger/chaincode/domain';
import { sampleRecord } from './sample-record.js';

const set: RecordSet = {
  setId: '0a'.repeat(16) as SetId,
  patientId: 'p-1' as MemberId,
  authorId: 'dr-a' as MemberId,
  authorOrganisation: 'HospitalAMSP' as MspId,
  addedAtMs: 5,
  txId: '0b'.repeat(32),
  keyEpoch: 0,
  authorSignature: '',
  records: [sampleRecord(), sampleRecord({ class: 'Claim' })],
};

describe('storedRecord', () => {
  it('gives back what it takes, back to the year 1', () => {
    const old = sampleRecord({ dateMs: Date.parse('0001-01-01T00:00:00.000Z') });
    expect(storedRecord(old, '')).toEqual(old);
    expect(() => storedRecord({ ...old, dateMs: old.dateMs - 1 }, '')).toThrow('INPUT_INVALID: /dateMs');
  });

  it.each([
    { change: { label: 'V' }, message: 'NOT_SUPPORTED: /r/label ' },
    { change: { label: 'X' }, message: 'INPUT_INVALID: /r/label ' },
    { change: { sizeBytes: 0 }, message: 'INPUT_INVALID: /r/sizeBytes ' },
    { change: { sha256: '00' }, message: 'INPUT_INVALID: /r/sha256 ' },
    { change: { commitment: '0d'.repeat(31) }, message: 'INPUT_INVALID: /r/commitment ' },
    { change: { cid: 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG' }, message: 'INPUT_INVALID: /r/cid ' },
    { change: { title: 'HIV test' }, message: 'INPUT_INVALID: /r/title is not a known member' },
  ])('refuses $change', ({ change, message }) => {
    expect(() => storedRecord({ ...sampleRecord(), ...change }, '/r')).toThrow(message);
  });
});

describe('storedRecords', () => {
  it('are at least one and at most a set', () => {
    const records = (count: number) => Array.from({ length: count }, () => sampleRecord());
    expect(storedRecords(records(limits.RECORDS_PER_SET_MAX), '')).toHaveLength(limits.RECORDS_PER_SET_MAX);
    expect(() => storedRecords([], '')).toThrow('INPUT_INVALID');
    expect(() => storedRecords(records(limits.RECORDS_PER_SET_MAX + 1), '')).toThrow('INPUT_INVALID');
  });
});

describe('recordAt', () => {
  it('has the place in its id and the author of its set', () => {
    expect(recordAt(set, 1)).toMatchObject({
      recordId: `${set.setId}01`,
      class: 'Claim',
      authorId: 'dr-a',
      authorOrganisation: 'HospitalAMSP',
      addedAtMs: 5,
    });
  });

  it.each([-1, 2, 255])('is nothing at place %d of two', (index) => {
    expect(recordAt(set, index)).toBeUndefined();
  });
});
