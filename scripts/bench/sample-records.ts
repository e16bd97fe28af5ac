import { randomBytes } from 'node:crypto';
import {
  limits,
  recordDigest,
  recordSetStatement,
  type SetId,
  setId,
  statementBytes,
  type StoredRecord,
  toBase64url,
  type TransactionInput,
} from '@medledger/chaincode/domain';
import type { BenchPatient } from './bench-members.js';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
/** Characters of a CIDv1 of SHA-256 after its `b`. */
const CID_CHARACTERS = 58;
/** 2024-01-01T00:00:00Z. */
const DATA_DATE_MS = 1_704_067_200_000;

/** One record, with digests as random as real ones, signed by its author. */
export async function oneRecord(author: BenchPatient): Promise<TransactionInput<'records:add'>> {
  const { patientId } = author;
  const id = newSetId();
  const record = sampleRecord();
  const authorSignature = await signOrigin(author, id, [record]);
  return { patientId, purpose: 'TREAT', setId: id, record, authorSignature };
}

/** `count` records in as few sets as hold them. */
export async function manyRecords(author: BenchPatient, count: number): Promise<TransactionInput<'records:addBatch'>> {
  const sets: TransactionInput<'records:addBatch'>['sets'][number][] = [];
  for (let left = count; left > 0; left -= limits.RECORDS_PER_SET_MAX) {
    const length = Math.min(left, limits.RECORDS_PER_SET_MAX);
    const records = Array.from({ length }, sampleRecord);
    const id = newSetId();
    sets.push({ setId: id, records, authorSignature: await signOrigin(author, id, records) });
  }
  return { patientId: author.patientId, purpose: 'TREAT', sets };
}

async function signOrigin(author: BenchPatient, id: SetId, records: readonly StoredRecord[]): Promise<string> {
  const { channel, patientId, identity } = author;
  const digests = records.map(recordDigest);
  const text = recordSetStatement({ channel, patientId, authorId: patientId, setId: id, digests });
  return toBase64url(await identity.signStatement(statementBytes(text)));
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
