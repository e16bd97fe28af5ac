import type { PatientId, Purpose, RecordId, RecordMetadata } from '@medledger/chaincode/domain';
import { recordId } from '@medledger/chaincode/domain';
import { recordContext } from '../custody/framed-bytes.js';
import { combineNaming, type CustodianShare } from '../custody/key-shares.js';
import { matchesKey, openObject } from '../custody/sealed-object.js';
import type { LedgerChain } from '../ledger/chain.js';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { BackgroundWork } from './background-work.js';
import { type Collected, type Collection, collectShares, type CustodianDoor } from './custodians.js';
import { MedledgerError } from '../medledger-error.js';
import { createLateJudge, type LateJudge } from './late-shares.js';
import type { Caller, OpenedRecord } from './medledger.js';
import type { KeysOf } from './people.js';
import { type OriginPorts, requireOrigin } from './record-origin.js';

export interface OpenRecordPorts extends OriginPorts {
  readonly keysOf: KeysOf;
  readonly custodians: () => readonly CustodianDoor[];
  /** Ciphertext by CID, checked against its digest; heals a damaged local copy from another node. */
  readonly fetchCiphertext: (cid: string, sha256Hex: string) => Promise<Uint8Array>;
  /** Goes on after the record was handed over. */
  readonly background: Pick<BackgroundWork, 'run'>;
  readonly onBadShare: (found: { custodian: string; recordId: string; transactionId: string }) => void;
}

/** A record that a committed entry permits to read. */
export interface Readable {
  readonly record: RecordMetadata;
  readonly transactionId: string;
}

/** Shares of one transaction are asked for once, however many of its records are wanted. */
const COLLECTIONS_KEPT_MAX = 200;

/**
 * Opens a record: first the entry is committed, then custodians are asked, then the ciphertext is decrypted.
 * A refusal has been committed before it is thrown.
 */
export function createOpenRecord(ports: OpenRecordPorts) {
  const judgeLate = createLateJudge(ports);
  const collections = new Map<string, Collection>();
  const collectOnce = (committed: { transactionId: string; oneTimePrivateKey: Uint8Array }): Collection => {
    const { transactionId, oneTimePrivateKey } = committed;
    const known = collections.get(transactionId);
    if (known !== undefined) return known;
    const { channel } = ports.chain;
    const collection = collectShares(ports.custodians(), { channel, transactionId, oneTimePrivateKey });
    collections.set(transactionId, collection);
    const [oldest] = collections.keys();
    if (collections.size > COLLECTIONS_KEPT_MAX && oldest !== undefined) collections.delete(oldest);
    return collection;
  };

  const read = async (
    committed: Readable,
    collection: Collection,
    identity: UnlockedIdentity,
  ): Promise<OpenedRecord> => {
    const { record, transactionId } = committed;
    const [ciphertext] = await Promise.all([
      ports.fetchCiphertext(record.cid, record.sha256),
      requireOrigin(ports, identity, record),
    ]);
    const dataKey = await keyOf({ ...ports, judgeLate }, { record, ciphertext, collection, transactionId });
    const context = contextOf(ports.chain, record);
    const opened = openObject({ ciphertext, dataKey, context, expectedCommitmentHex: record.commitment });
    dataKey.fill(0);
    const { authorId, authorOrganisation, version } = record;
    const { plaintext: content, contentType } = opened;
    return { content, contentType, transactionId, authorId, authorOrganisation, version };
  };

  return {
    /** Reads what a committed entry permits; other records of the same transaction share its one-time key. */
    readPermitted: (committed: Readable & { oneTimePrivateKey: Uint8Array }, identity: UnlockedIdentity) =>
      read(committed, collectOnce(committed), identity),

    async openRecord(caller: Caller, input: { recordId: string; purpose?: Purpose }): Promise<OpenedRecord> {
      const identity = ports.keysOf(caller);
      const wanted = recordId(input.recordId, '/recordId');
      const patientId = await patientOf(ports.chain, identity, wanted);
      const purpose = input.purpose ?? (caller.role === 'patient' ? 'PATRQT' : 'TREAT');
      const committed = await ports.chain.open({ identity, patientId, recordId: wanted, purpose });
      const { item, record, transactionId } = committed;
      if (item.outcome === 'deny') throw new MedledgerError(item.code, undefined, { transactionId });
      if (record === undefined) throw new MedledgerError('INTERNAL', 'a permit without its record', { transactionId });
      return read({ record, transactionId }, collectOnce(committed), identity);
    },
  };
}

/**
 * Whose record it is.
 *
 * @throws MedledgerError RECORD_UNKNOWN
 */
export async function patientOf(
  chain: LedgerChain,
  identity: Parameters<LedgerChain['query']>[0],
  wanted: RecordId,
): Promise<PatientId> {
  const asked = { recordIds: [wanted] };
  const [located] = await chain.query(identity, 'records:locate', asked, { found: (places) => places.length > 0 });
  if (located === undefined) throw new MedledgerError('RECORD_UNKNOWN');
  return located.patientId;
}

function contextOf(chain: LedgerChain, { recordId: id, version }: RecordMetadata): Uint8Array {
  return recordContext({ channel: chain.channel, recordId: id, version });
}

type KeyWanted = { record: RecordMetadata; ciphertext: Uint8Array; transactionId: string };

/** Two good shares are enough. Where the first ones are not, a custodian that takes longer may have a better one. */
async function keyOf(
  ports: OpenRecordPorts & { judgeLate: LateJudge },
  given: KeyWanted & { collection: Collection },
): Promise<Uint8Array> {
  const { collection, ...wanted } = given;
  const soon = await collection.soon;
  try {
    const dataKey = await keyFrom(ports, { ...wanted, collected: soon });
    const { transactionId } = wanted;
    ports.judgeLate({ recordId: wanted.record.recordId, transactionId, dataKey, soon, whole: collection.whole });
    return dataKey;
  } catch (error) {
    const whole = await collection.whole;
    if (whole.refusals.length >= soon.refusals.length) throw error;
    return keyFrom(ports, { ...wanted, collected: whole });
  }
}

async function keyFrom(ports: OpenRecordPorts, given: KeyWanted & { collected: Collected }): Promise<Uint8Array> {
  const { record, ciphertext, collected, transactionId } = given;
  const shares = collected.sharesOf.get(record.recordId) ?? [];
  if (shares.length < 2) throw tooFewShares(given, shares);
  const context = contextOf(ports.chain, record);
  try {
    const { dataKey, bad } = await combineNaming({
      shares,
      matches: (key) => matchesKey({ ciphertext, dataKey: key, context }),
    });
    for (const custodian of bad) ports.onBadShare({ custodian, recordId: record.recordId, transactionId });
    return dataKey;
  } catch (cause) {
    const custodians = shares.map(({ custodian }) => custodian);
    throw new MedledgerError('KEY_UNRECOVERABLE', undefined, { cause, transactionId, extra: { custodians } });
  }
}

/** Silence is a fault that passes; a refusal is an answer. Two refusals decide, whoever else was silent. */
function tooFewShares(
  { record, collected, transactionId }: { record: RecordMetadata; collected: Collected; transactionId: string },
  shares: readonly CustodianShare[],
): MedledgerError {
  const reasons = collected.refusals.filter(
    (refusal) => refusal.recordId === undefined || refusal.recordId === record.recordId,
  );
  const decided = reasons.filter(({ code }) => REFUSAL_CODES.has(code));
  const code = decided.length >= 2 ? 'RELEASE_REFUSED' : 'CUSTODIANS_UNAVAILABLE';
  const answered = shares.map(({ custodian }) => custodian);
  return new MedledgerError(code, undefined, { transactionId, extra: { answered, custodians: reasons } });
}

const REFUSAL_CODES: ReadonlySet<string> = new Set([
  'RELEASE_REFUSED',
  'RELEASE_TOO_OLD',
  'EVIDENCE_INVALID',
  'REGISTER_SIGNATURES_MISSING',
  'NO_GRANT',
  'EXCLUDED',
  'NOTICE_MISSING',
  'EMERGENCY_ENDED',
  'EMERGENCY_NOT_ALLOWED',
  'GRANT_ENDED',
  'GRANT_NOT_STARTED',
  'PURPOSE_NOT_GRANTED',
]);
