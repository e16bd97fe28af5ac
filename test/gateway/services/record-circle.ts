import { randomBytes } from 'node:crypto';
import {
  type ItemOutcome,
  type MspId,
  type OriginAnswer,
  type PatientId,
  patientIdOf,
  placeOf,
  recordDigest,
  type RecordId,
  type RecordMetadata,
  recordIdOf,
  recordSetStatement,
  type SetId,
  statementBytes,
  type StoredRecord,
  toBase64url,
} from '@medledger/chaincode/domain';
import { releaseInfo, shareContext } from '../../../gateway/custody/custodian.js';
import { openDeposit, type SealedDeposit } from '../../../gateway/custody/deposit.js';
import { generateHpkeKeyPair, hpkePublicKeyOf, sealManyTo } from '../../../gateway/custody/hpke.js';
import { generateMemberKeys, unlockedIdentity } from '../../../gateway/identity/member-keys.js';
import type { LedgerChain } from '../../../gateway/ledger/chain.js';
import { LedgerFailure } from '../../../gateway/ledger/ledger-failure.js';
import type { AddRecordsPorts, RecordsToAdd } from '../../../gateway/services/add-records.js';
import type { CustodianDoor } from '../../../gateway/services/custodians.js';
import { MemoryVault } from '../../../gateway/vault/memory-vault.js';

export const CHANNEL = 'medledger';
const KEYS = generateMemberKeys();
const SALT = toBase64url(randomBytes(16));
const SIGNING_KEY = toBase64url(KEYS.signingPublicKeySpki);
export const PATIENT: PatientId = patientIdOf({ signingKey: SIGNING_KEY, salt: SALT });
/** The patient, signed in; also the author of every record. */
export const IDENTITY = unlockedIdentity(
  { memberId: PATIENT, role: 'patient', mspId: 'HospitalAMSP', certificatePem: '' },
  KEYS,
);
const AUTHOR_MSP_ID = 'HospitalAMSP' as MspId;
/** What a custodian's door does instead of answering. */
export type Mood = 'well' | 'down' | 'silent' | 'bad share' | 'refuses';

type HeldShare = { version: number; ciphertextSha256: string; share: Uint8Array };

/** A custodian without a chain: it releases whatever it holds to the key that the transaction is about. */
export class MemoryCustodian implements CustodianDoor {
  readonly mspId: string;
  readonly custodianKey: string;
  readonly held = new Map<string, HeldShare[]>();
  mood: Mood = 'well';
  readonly #keys = generateHpkeKeyPair();
  readonly #openings: ReadonlyMap<string, Opening>;

  constructor(mspId: string, openings: ReadonlyMap<string, Opening>) {
    this.mspId = mspId;
    this.custodianKey = toBase64url(this.#keys.publicKey);
    this.#openings = openings;
  }

  async depositShares(deposit: SealedDeposit): Promise<void> {
    await this.#answers();
    const { privateKey } = this.#keys;
    for (const { recordId, ...share } of await openDeposit({
      privateKey,
      channel: CHANNEL,
      custodian: this.mspId,
      deposit,
    }))
      this.held.set(recordId, [...(this.held.get(recordId) ?? []), share]);
  }

  async releaseShares(transactionId: string) {
    await this.#answers();
    const opening = this.#openings.get(transactionId);
    if (opening === undefined) throw Object.assign(new Error('no such opening'), { code: 'BLOCK_UNKNOWN' });
    const { recordId, sha256, oneTimePublicKey } = opening;
    const custodian = this.mspId;
    const info = releaseInfo({ channel: CHANNEL, transactionId, custodian });
    const found = this.held.get(recordId)?.find(({ ciphertextSha256 }) => ciphertextSha256 === sha256);
    if (found === undefined || this.mood === 'refuses') {
      const { enc } = await sealManyTo({ publicKey: oneTimePublicKey, info, items: [] });
      const code = found === undefined ? ('SHARE_MISSING' as const) : ('EVIDENCE_INVALID' as const);
      return { custodian, enc, items: [{ recordId, code, detail: code }] };
    }
    const plaintext = this.mood === 'bad share' ? new Uint8Array(randomBytes(33)) : found.share;
    const aad = shareContext(recordId, found.version);
    const { enc, items } = await sealManyTo({ publicKey: oneTimePublicKey, info, items: [{ aad, plaintext }] });
    return { custodian, enc, items: [{ recordId, version: found.version, sealed: items[0] ?? new Uint8Array() }] };
  }

  #answers(): Promise<void> {
    if (this.mood === 'down') return Promise.reject(new Error('connection refused'));
    return this.mood === 'silent' ? new Promise(() => undefined) : Promise.resolve();
  }
}

type Opening = { recordId: RecordId; sha256: string; oneTimePublicKey: Uint8Array };

/** A chain that takes every record once and permits every opening, three custodians and a vault, all in memory. */
export class RecordCircle {
  readonly openings = new Map<string, Opening>();
  readonly custodians = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'].map(
    (mspId) => new MemoryCustodian(mspId, this.openings),
  );
  readonly vault = new MemoryVault();
  readonly recorded = new Map<RecordId, RecordMetadata>();
  /** Signature and digests of each set, as its author gave them. */
  readonly origins = new Map<SetId, Pick<OriginAnswer, 'authorSignature' | 'digests'>>();
  readonly missed: string[] = [];
  /** What the chain decides about the next opening. */
  decision: 'permit' | 'NO_GRANT' = 'permit';
  transactions = 0;
  /** The commit happens, and its answer is lost. */
  losesAnswer = false;

  readonly chain = {
    channel: CHANNEL,
    transact: async ({ name, business }: { name: string; business: Business }) => this.#transact(name, business),
    query: async (_identity: unknown, name: string, input: { recordId: RecordId; recordIds: readonly RecordId[] }) =>
      name === 'records:origin'
        ? this.#origin(input.recordId)
        : input.recordIds.flatMap((recordId) => this.recorded.get(recordId) ?? []),
    open: async ({ recordId }: { recordId: RecordId }) => this.#open(recordId),
  } as unknown as LedgerChain;

  readonly ports: AddRecordsPorts = {
    chain: this.chain,
    custodians: () => this.custodians,
    storeCiphertexts: (objects) => this.vault.put(objects),
    onMissedDeposit: ({ custodian }) => void this.missed.push(custodian),
    idSecret: new Uint8Array(32).fill(7),
  };

  setMoods(...moods: readonly Mood[]): void {
    for (const [at, custodian] of this.custodians.entries()) custodian.mood = moods[at] ?? 'well';
  }

  #transact(name: string, business: Business) {
    const { setId: id, record, authorSignature: signature } = business;
    const single = [{ setId: id, records: [record], authorSignature: signature }];
    const sets = name === 'records:add' ? single : business.sets;
    const transactionId = `t${this.transactions}`;
    for (const { setId, records, authorSignature } of sets) {
      if (this.recorded.has(recordIdOf(setId, 0))) throw new LedgerFailure('RECORD_EXISTS', setId);
      this.origins.set(setId, { authorSignature, digests: records.map(recordDigest) });
      for (const [at, record] of records.entries()) {
        const recordId = recordIdOf(setId, at);
        const place = { recordId, version: 1, patientId: PATIENT, authorId: PATIENT, addedAtMs: 0 };
        const authorOrganisation = AUTHOR_MSP_ID;
        this.recorded.set(recordId, { ...record, ...place, authorOrganisation, txId: transactionId });
      }
    }
    this.transactions += 1;
    if (this.losesAnswer) throw new LedgerFailure('OUTCOME_UNKNOWN', 'the answer was lost');
    return { transactionId, blockNumber: 1, answer: { outcome: { action: 'add', outcome: 'permit' } } };
  }

  #origin(recordId: RecordId): OriginAnswer {
    const { setId } = placeOf(recordId);
    const origin = this.origins.get(setId);
    if (origin === undefined) throw new LedgerFailure('RECORD_UNKNOWN', recordId);
    const author = {
      memberId: PATIENT,
      role: 'patient' as const,
      organisation: AUTHOR_MSP_ID,
      signingKey: SIGNING_KEY,
      encryptionKey: toBase64url(KEYS.encryptionPublicKey),
      keyCustody: 'wallet' as const,
      genesis: '00'.repeat(32),
      salt: SALT,
    };
    return { setId, ...origin, author };
  }

  #open(recordId: RecordId) {
    const transactionId = `o${this.openings.size}`;
    const record = this.recorded.get(recordId);
    if (record === undefined) throw new Error(`no ${placeOf(recordId).setId}`);
    const { privateKey: oneTimePrivateKey } = generateHpkeKeyPair();
    const oneTimePublicKey = hpkePublicKeyOf(oneTimePrivateKey);
    this.openings.set(transactionId, { recordId, sha256: record.sha256, oneTimePublicKey });
    const item: ItemOutcome =
      this.decision === 'permit'
        ? { recordId, outcome: 'permit', basis: { kind: 'own' } }
        : { recordId, outcome: 'deny', code: this.decision };
    return { transactionId, blockNumber: 1, timeMs: 0, item, record, oneTimePrivateKey };
  }
}

type Business = {
  setId: SetId;
  record: StoredRecord;
  authorSignature: string;
  sets: readonly { setId: SetId; records: readonly StoredRecord[]; authorSignature: string }[];
};

/** The author's signature over a set, whatever it says. */
export async function signSet(setId: SetId, records: readonly StoredRecord[]) {
  const digests = records.map(recordDigest);
  const text = recordSetStatement({ channel: CHANNEL, patientId: PATIENT, authorId: PATIENT, setId, digests });
  return { digests, authorSignature: toBase64url(await IDENTITY.signStatement(statementBytes(text))) };
}

export function recordsToAdd(texts: readonly string[], key = 'key'): RecordsToAdd {
  return {
    identity: IDENTITY,
    patientId: PATIENT,
    purpose: 'PATRQT',
    records: texts.map((text) => ({
      class: 'Observation',
      label: 'N',
      dateMs: 0,
      contentType: 'text/plain',
      content: Buffer.from(text),
    })),
    key,
  };
}
