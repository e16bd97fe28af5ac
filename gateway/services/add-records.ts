import { createHash } from 'node:crypto';
import {
  limits,
  placeOf,
  type PatientId,
  type Purpose,
  type RecordId,
  type SetId,
  setId,
  type StoredRecord,
} from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import type { LaneCommitted } from '../ledger/lane-client.js';
import { type CustodianDoor, depositAll, type MissedDeposit } from './custodians.js';
import { idFor } from './derived-ids.js';
import { MedledgerError } from '../medledger-error.js';
import { type PlainRecord, placesFor, type SealedRecord, sealRecord } from './seal-records.js';

export interface AddRecordsPorts {
  readonly chain: LedgerChain;
  readonly custodians: () => readonly CustodianDoor[];
  /** Durable on at least two vault nodes when it returns; CIDs in order. */
  readonly storeCiphertexts: (ciphertexts: readonly Uint8Array[]) => Promise<readonly string[]>;
  readonly onMissedDeposit: MissedDeposit;
  /** Secret of this gateway: set ids made from an idempotency key cannot be guessed by others. */
  readonly idSecret: Uint8Array;
}

export interface AddedRecords {
  readonly transactionId: string;
  /** Absent when the records were found already added. */
  readonly blockNumber?: number;
  readonly records: readonly { readonly recordId: RecordId; readonly stored: StoredRecord }[];
}

export interface RecordsToAdd {
  readonly identity: UnlockedIdentity;
  readonly patientId: PatientId;
  readonly purpose: Purpose;
  readonly records: readonly PlainRecord[];
  /** Same key, same author, same patient, same contents: same record ids, so that nothing is added twice. */
  readonly key: string;
}

/**
 * Adds up to RECORDS_PER_BATCH_MAX records as one entry: seal, store on two vaults, deposit with two custodians,
 * then commit. A crash before the commit leaves garbage, never a record that cannot be read.
 */
export async function addRecords(ports: AddRecordsPorts, input: RecordsToAdd): Promise<AddedRecords> {
  const { identity, patientId, purpose } = input;
  const places = placesFor(setIdsFor(ports.idSecret, input), input.records.length);
  const records = await sealAndStore(ports, input, places);
  try {
    const committed = await commit(ports.chain, { identity, patientId, purpose, records });
    const { transactionId, blockNumber } = committed;
    const { outcome } = committed.answer;
    if (outcome.outcome === 'deny') throw new MedledgerError(outcome.code ?? 'NO_GRANT', undefined, { transactionId });
    return { transactionId, blockNumber, records };
  } catch (error) {
    // The first try of a repeated call did commit: its records are the answer, and what was just sealed is garbage.
    if (error instanceof Error && 'code' in error && error.code === 'RECORD_EXISTS')
      return alreadyAdded(ports, input, places);
    throw error;
  }
}

async function alreadyAdded(
  ports: AddRecordsPorts,
  input: RecordsToAdd,
  places: readonly RecordId[],
): Promise<AddedRecords> {
  const records: AddedRecords['records'][number][] = [];
  let transactionId = '';
  for (let at = 0; at < places.length; at += limits.OPENINGS_PER_CALL_MAX) {
    const recordIds = places.slice(at, at + limits.OPENINGS_PER_CALL_MAX);
    for (const found of await ports.chain.query(input.identity, 'records:metadata', { recordIds })) {
      const { recordId, class: recordClass, label, dateMs, sha256, sizeBytes, cid, commitment } = found;
      transactionId = found.txId;
      records.push({ recordId, stored: { class: recordClass, label, dateMs, sha256, sizeBytes, cid, commitment } });
    }
  }
  if (records.length !== places.length) throw new MedledgerError('RECORD_EXISTS');
  return { transactionId, records };
}

/** Ciphertexts on two vaults and shares with two custodians, durably, before anything is said on the chain. */
async function sealAndStore(
  ports: AddRecordsPorts,
  input: RecordsToAdd,
  places: readonly RecordId[],
): Promise<AddedRecords['records']> {
  const { channel } = ports.chain;
  const doors = ports.custodians();
  const custodians = threeOf(doors.map(({ mspId }) => mspId));
  const sealed: SealedRecord[] = [];
  for (const [at, record] of input.records.entries()) {
    const recordId = places[at];
    if (recordId === undefined) throw new RangeError('a record without a place');
    sealed.push(await sealRecord({ channel, patientId: input.patientId, recordId, record, custodians }));
  }
  const cids = await ports.storeCiphertexts(sealed.map(({ ciphertext }) => ciphertext));
  await depositAll(doors, {
    channel,
    // Members sign in at the gateway of their own organisation, so this is the author's organisation on the chain too.
    depositor: input.identity.mspId,
    sharesOf: doors.map((_, at) => sealed.flatMap(({ shares }) => shares[at] ?? [])),
    onMissed: ports.onMissedDeposit,
  });
  return sealed.map(({ recordId, stored }, at) => ({ recordId, stored: { ...stored, cid: cids[at] ?? '' } }));
}

type ToCommit = {
  identity: UnlockedIdentity;
  patientId: PatientId;
  purpose: Purpose;
  records: readonly { recordId: RecordId; stored: StoredRecord }[];
};

function commit(chain: LedgerChain, { identity, patientId, purpose, records }: ToCommit): Promise<LaneCommitted> {
  const [only] = records;
  if (only !== undefined && records.length === 1) {
    const business = { patientId, purpose, setId: placeOf(only.recordId).setId, record: only.stored };
    return chain.transact({ identity, name: 'records:add', patientId, business });
  }
  const sets = Map.groupBy(records, ({ recordId }) => placeOf(recordId).setId);
  const business = {
    patientId,
    purpose,
    sets: [...sets].map(([id, members]) => ({ setId: id, records: members.map(({ stored }) => stored) })),
  };
  return chain.transact({ identity, name: 'records:addBatch', patientId, business });
}

function setIdsFor(secret: Uint8Array, input: RecordsToAdd): readonly SetId[] {
  const count = Math.ceil(input.records.length / limits.RECORDS_PER_SET_MAX);
  const { memberId } = input.identity;
  const said = contentsDigest(input.records);
  return Array.from({ length: count }, (_, at) =>
    setId(idFor(secret, { kind: `set/${input.patientId}/${at}`, memberId, key: input.key, said }), '/setId'),
  );
}

/** Without the dates: where none is given it is the time of the try, and a second try must find the first. */
function contentsDigest(records: readonly PlainRecord[]): string {
  const digest = createHash('sha256');
  for (const { class: recordClass, label, contentType, content } of records)
    digest.update(`${JSON.stringify([recordClass, label, contentType, content.length])}\n`).update(content);
  return digest.digest('hex');
}

function threeOf(mspIds: readonly string[]): readonly [string, string, string] {
  const [first, second, third] = mspIds;
  if (first === undefined || second === undefined || third === undefined || mspIds.length !== 3)
    throw new MedledgerError('NOT_BOOTSTRAPPED', 'the register names no three custodians');
  return [first, second, third];
}
