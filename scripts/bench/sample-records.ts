import { randomBytes } from 'node:crypto';
import { limits, setId, type StoredRecord, type TransactionInput } from '@medledger/chaincode/domain';
import type { BenchPatient } from './bench-members.js';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
/** Characters of a CIDv1 of SHA-256 after its `b`. */
const CID_CHARACTERS = 58;
/** 2024-01-01T00:00:00Z. */
const DATA_DATE_MS = 1_704_067_200_000;

/** One record, with digests as random as real ones. */
export function oneRecord({ patientId }: BenchPatient): TransactionInput<'records:add'> {
  return { patientId, purpose: 'TREAT', setId: newSetId(), record: sampleRecord() };
}

/** `count` records in as few sets as hold them. */
export function manyRecords({ patientId }: BenchPatient, count: number): TransactionInput<'records:addBatch'> {
  const sets: TransactionInput<'records:addBatch'>['sets'][number][] = [];
  for (let left = count; left > 0; left -= limits.RECORDS_PER_SET_MAX) {
    const length = Math.min(left, limits.RECORDS_PER_SET_MAX);
    sets.push({ setId: newSetId(), records: Array.from({ length }, sampleRecord) });
  }
  return { patientId, purpose: 'TREAT', sets };
}

function sampleRecord(): StoredRecord {
  const cid = [...randomBytes(CID_CHARACTERS)].map((byte) => BASE32.charAt(byte % BASE32.length)).join('');
  return {
    class: 'Observation',
    label: 'N',
    dateMs: DATA_DATE_MS,
    sha256: randomBytes(32).toString('hex'),
    sizeBytes: 1_500,
    cid: `b${cid}`,
    commitment: randomBytes(32).toString('hex'),
  };
}

function newSetId() {
  return setId(randomBytes(16).toString('hex'), '/setId');
}
