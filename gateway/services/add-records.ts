import { createHash } from 'node:crypto';
import {
  limits,
  memberId,
  placeOf,
  type PatientId,
  type Purpose,
  type RecordId,
  recordDigest,
  recordSetStatement,
  type SetId,
  setId,
  statementBytes,
  type StoredRecord,
  toBase64url,
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
      const { recordId, version: _version, patientId: _patient, authorId: _author, ...rest } = found;
      const { authorOrganisation: _mspId, addedAtMs: _addedAt, txId, ...stored } = rest;
      transactionId = txId;
      records.push({ recordId, stored });
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

async function commit(chain: LedgerChain, given: ToCommit): Promise<LaneCommitted> {
  const { identity, patientId, purpose } = given;
  const sets = await Promise.all(
    [...Map.groupBy(given.records, ({ recordId }) => placeOf(recordId).setId)].map(async ([id, members]) => {
      const records = members.map(({ stored }) => stored);
      return { setId: id, records, authorSignature: await signOrigin(chain, given, { setId: id, records }) };
    }),
  );
  const [set] = sets;
  const [record] = set?.records ?? [];
  if (set !== undefined && record !== undefined && given.records.length === 1) {
    const { setId: id, authorSignature } = set;
    const business = { patientId, purpose, setId: id, record, authorSignature };
    return chain.transact({ identity, name: 'records:add', patientId, business });
  }
  return chain.transact({ identity, name: 'records:addBatch', patientId, business: { patientId, purpose, sets } });
}

/** The author's own signature over what is added: it proves the origin when the author's organisation is gone. */
async function signOrigin(
  { channel }: LedgerChain,
  { identity, patientId }: ToCommit,
  { setId: id, records }: { setId: SetId; records: readonly StoredRecord[] },
): Promise<string> {
  const authorId = memberId(identity.memberId, '/memberId');
  const text = recordSetStatement({ channel, patientId, authorId, setId: id, digests: records.map(recordDigest) });
  return toBase64url(await identity.signStatement(statementBytes(text)));
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
  for (const { class: recordClass, label, contentType, content, relatesTo } of records) {
    const about = relatesTo === undefined ? [] : [relatesTo.kind, relatesTo.recordId];
    digest.update(`${JSON.stringify([recordClass, label, contentType, content.length, ...about])}\n`).update(content);
  }
  return digest.digest('hex');
}

function threeOf(mspIds: readonly string[]): readonly [string, string, string] {
  const [first, second, third] = mspIds;
  if (first === undefined || second === undefined || third === undefined || mspIds.length !== 3)
    throw new MedledgerError('NOT_BOOTSTRAPPED', 'the register names no three custodians');
  return [first, second, third];
}
