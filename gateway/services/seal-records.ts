import { randomBytes } from 'node:crypto';
import {
  type Label,
  limits,
  type PatientId,
  type RecordId,
  type RecordRelation,
  recordIdOf,
  type SetId,
  type StoredRecord,
} from '@medledger/chaincode/domain';
import { recordContext } from '../custody/framed-bytes.js';
import { splitKey } from '../custody/key-shares.js';
import { sealObject } from '../custody/sealed-object.js';
import type { ShareToDeposit } from '../custody/deposit.js';

export interface PlainRecord {
  readonly class: string;
  readonly label: Label;
  readonly dateMs: number;
  readonly contentType: string;
  readonly content: Uint8Array;
  /** What it is to an earlier record. */
  readonly relatesTo?: RecordRelation;
  /** Of a record that replaces another: one more than that one's. */
  readonly version?: number;
}

export interface SealedRecord {
  readonly recordId: RecordId;
  readonly ciphertext: Uint8Array;
  readonly stored: Omit<StoredRecord, 'cid'>;
  /** One per custodian, in the order they were named. */
  readonly shares: readonly ShareToDeposit[];
}

const FIRST_VERSION = 1;
const DATA_KEY_BYTES = 32;

/** Which record ids a list of records takes: sets of up to RECORDS_PER_SET_MAX, one id after another. */
export function placesFor(setIds: readonly SetId[], count: number): readonly RecordId[] {
  return Array.from({ length: count }, (_, at) => {
    const setId = setIds[Math.floor(at / limits.RECORDS_PER_SET_MAX)];
    if (setId === undefined) throw new RangeError('more records than the sets have places for');
    return recordIdOf(setId, at % limits.RECORDS_PER_SET_MAX);
  });
}

/**
 * Encrypts one record under a fresh key and splits the key among the custodians. The key itself is overwritten
 * before this returns; whoever wants to read must collect two shares.
 */
export async function sealRecord(input: {
  channel: string;
  patientId: PatientId;
  recordId: RecordId;
  record: PlainRecord;
  custodians: readonly [string, string, string];
}): Promise<SealedRecord> {
  const { channel, patientId, recordId, record } = input;
  const version = record.version ?? FIRST_VERSION;
  const dataKey = new Uint8Array(randomBytes(DATA_KEY_BYTES));
  const sealed = sealObject({
    plaintext: record.content,
    contentType: record.contentType,
    dataKey,
    context: recordContext({ channel, recordId, version }),
    random: randomBytes,
  });
  const shares = await splitKey(dataKey, input.custodians);
  dataKey.fill(0);
  const { class: recordClass, label, dateMs, relatesTo } = record;
  return {
    recordId,
    ciphertext: sealed.ciphertext,
    stored: {
      class: recordClass,
      label,
      dateMs,
      sha256: sealed.sha256Hex,
      sizeBytes: sealed.sizeBytes,
      commitment: sealed.plaintextCommitmentHex,
      ...(relatesTo === undefined ? {} : { relatesTo }),
    },
    shares: shares.map(({ share }) => ({
      patientId,
      recordId,
      version,
      ciphertextSha256: sealed.sha256Hex,
      share,
    })),
  };
}
