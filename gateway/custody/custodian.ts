import {
  type Basis,
  DomainError,
  type ErrorCode,
  type EvidenceAnswer,
  fromBase64url,
  limits,
  type MemberId,
  type Organisation,
  parseTransactionInput,
  type PatientId,
  type RecordId,
  type RecordMetadata,
  taggedBytes,
  type TransactionAnswer,
  utf8ToBytes,
} from '@medledger/chaincode/domain';
import { CustodyError } from './custody-errors.js';
import { checkEvidence, StatementRefusal } from './evidence-check.js';
import type { ReleaseEntry } from './release-log.js';

/** A committed transaction as the custodian's own peer holds it. */
export interface CommittedOpening {
  readonly transactionId: string;
  /** Fabric's name: only VALID counts. */
  readonly validationCode: string;
  readonly channel: string;
  readonly chaincode: string;
  /** `access:open` */
  readonly transaction: string;
  readonly args: readonly string[];
  /** What the chaincode answered; endorsed, so the same on all endorsers. */
  readonly answer: string;
  readonly timestampMs: number;
  readonly creatorKeyHash: string;
  readonly creatorMemberId?: string;
}

/** The custodian's view of the chain. Every answer comes from its own organisation's peer and from no other. */
export interface OwnPeer {
  /**
   * Waits until the transaction is committed, then reads it and checks the creator's signature over the envelope.
   *
   * @throws DomainError BLOCK_UNKNOWN when it was not committed within the deadline
   */
  committedTransaction(transactionId: string): Promise<CommittedOpening>;
  evidence(input: { patientId: PatientId; memberId: MemberId; grantIds: readonly string[] }): Promise<EvidenceAnswer>;
}

/** See share-store.ts. A share is kept with its depositor, and the patient and ciphertext it was deposited for. */
export interface SharesAtRest {
  read(place: {
    recordId: string;
    version: number;
    ciphertextSha256: string;
    depositor: string;
  }): Promise<{ patientId: string; share: Uint8Array } | undefined>;
}

/** Durable on return; see release-log.ts. */
export interface ReleaseJournal {
  append(entry: ReleaseEntry): Promise<void>;
  highestVersionSeen(statementId: string): number;
}

export type ReleasedShare =
  | { readonly recordId: RecordId; readonly version: number; readonly sealed: Uint8Array }
  | { readonly recordId: RecordId; readonly code: ErrorCode; readonly detail: string };

/** Shares of one opening, sealed to its one-time key. */
export interface Release {
  readonly custodian: string;
  /** HPKE encapsulated key of the items that carry a share; in order of the items. */
  readonly enc: Uint8Array;
  readonly items: readonly ReleasedShare[];
}

export interface CustodianOptions {
  readonly mspId: string;
  readonly channel: string;
  readonly chaincode: string;
  readonly peer: OwnPeer;
  readonly shares: SharesAtRest;
  readonly journal: ReleaseJournal;
  readonly pinned: readonly Pick<Organisation, 'mspId' | 'registerKey'>[];
  readonly clock: () => number;
  /** HPKE, one encapsulation for many items; each item is bound to its own additional data. */
  readonly sealMany: (input: {
    recipient: Uint8Array;
    info: Uint8Array;
    items: readonly { aad: Uint8Array; plaintext: Uint8Array }[];
  }) => Promise<{ enc: Uint8Array; sealed: readonly Uint8Array[] }>;
}

type Opening = {
  readonly input: ReturnType<typeof parseOpening>;
  readonly answer: TransactionAnswer;
  readonly transaction: CommittedOpening;
};
type Permit = { readonly record: RecordMetadata; readonly share: Uint8Array };

/** HPKE info of a release: nothing sealed for one opening or custodian opens for another. */
export function releaseInfo(input: { channel: string; transactionId: string; custodian: string }): Uint8Array {
  return taggedBytes('medledger/release/v1', [input.channel, input.transactionId, input.custodian].map(utf8ToBytes));
}

/** Additional data of one share: which record and version it belongs to. */
export function shareContext(recordId: string, version: number): Uint8Array {
  return taggedBytes('medledger/share/v1', [utf8ToBytes(recordId), utf8ToBytes(String(version))]);
}

/**
 * Releases this organisation's shares for a committed opening. Asked again it answers the same: harmless, so allowed.
 *
 * @throws DomainError BLOCK_UNKNOWN, RELEASE_REFUSED or RELEASE_TOO_OLD when nothing of the opening can be released
 */
export async function releaseShares(options: CustodianOptions, transactionId: string): Promise<Release> {
  const opening = checkedOpening(options, await options.peer.committedTransaction(transactionId));
  const memberId = opening.answer.entry.memberId;
  const { patientId } = opening.input;
  const grantIds = [
    ...new Set(permits(opening.answer).flatMap(({ basis }) => (basis.kind === 'grant' ? [basis.grantId] : []))),
  ];
  const evidence = await options.peer.evidence({ patientId, memberId, grantIds });
  const outcomes = await Promise.all(
    permits(opening.answer).map((item) => permitOrRefusal(options, opening, evidence, item)),
  );
  const given = outcomes.filter((outcome): outcome is Permit => 'share' in outcome);
  const { enc, sealed } = await options.sealMany({
    recipient: fromBase64url(opening.input.oneTimeKey),
    info: releaseInfo({ channel: options.channel, transactionId, custodian: options.mspId }),
    items: given.map(({ record, share }) => ({ aad: shareContext(record.recordId, record.version), plaintext: share })),
  });
  let next = 0;
  const items = outcomes.map((outcome): ReleasedShare => {
    if (!('share' in outcome)) return outcome;
    const { recordId, version } = outcome.record;
    return { recordId, version, sealed: sealed[next++] ?? new Uint8Array(0) };
  });
  return { custodian: options.mspId, enc, items };
}

function parseOpening(json: string) {
  return parseTransactionInput('access:open', json);
}

function checkedOpening(options: CustodianOptions, transaction: CommittedOpening): Opening {
  const refuse = (detail: string): never => {
    throw new DomainError('RELEASE_REFUSED', detail);
  };
  if (transaction.validationCode !== 'VALID') refuse(`the transaction is ${transaction.validationCode}`);
  if (transaction.channel !== options.channel || transaction.chaincode !== options.chaincode)
    refuse('the transaction is not of this channel and chaincode');
  if (transaction.transaction !== 'access:open') refuse('the transaction is no opening');
  const ageMs = options.clock() - transaction.timestampMs;
  if (Math.abs(ageMs) > limits.RELEASE_AGE_MAX_MS)
    throw new DomainError(
      'RELEASE_TOO_OLD',
      `the opening is ${Math.round(ageMs / 1000)} s old by this custodian's clock`,
    );
  const input = parseOpening(transaction.args[0] ?? '');
  const answer = JSON.parse(transaction.answer) as TransactionAnswer;
  if (answer.entry.patientId !== input.patientId || answer.entry.memberId !== transaction.creatorMemberId)
    refuse('arguments, answer and creator do not belong together');
  return { input, answer, transaction };
}

function permits(answer: TransactionAnswer): readonly { recordId: RecordId; basis: Basis }[] {
  return (answer.outcome.items ?? []).flatMap((item) =>
    item.outcome === 'permit' ? [{ recordId: item.recordId, basis: item.basis }] : [],
  );
}

async function permitOrRefusal(
  options: CustodianOptions,
  opening: Opening,
  evidence: EvidenceAnswer,
  item: { recordId: RecordId; basis: Basis },
): Promise<Permit | Extract<ReleasedShare, { code: ErrorCode }>> {
  try {
    return await permitOf(options, opening, evidence, item);
  } catch (error) {
    if (error instanceof StatementRefusal)
      await rememberSeen(options, opening, { recordId: item.recordId, refusal: error });
    else if (!(error instanceof DomainError) && !(error instanceof CustodyError)) throw error;
    return { recordId: item.recordId, code: error.code, detail: error.message };
  }
}

/** A revocation is seen by refusing, never by releasing: without this note the grant could come back from an old copy. */
async function rememberSeen(
  { journal, clock }: CustodianOptions,
  opening: Opening,
  { recordId, refusal }: { recordId: RecordId; refusal: StatementRefusal },
): Promise<void> {
  const { statementId, version: statementVersion } = refusal.seen;
  if (journal.highestVersionSeen(statementId) >= statementVersion) return;
  const { transactionId } = opening.transaction;
  const { version } = requireAskedFor(opening, recordId);
  const seen = { statementId, statementVersion, refusedAs: refusal.code };
  await journal.append({ transactionId, recordId, version, timeMs: clock(), ...seen });
}

function requireAskedFor({ input, answer }: Opening, recordId: RecordId): RecordMetadata {
  const record = answer.records?.find((candidate) => candidate.recordId === recordId);
  if (record === undefined || !input.recordIds.includes(recordId) || record.patientId !== input.patientId)
    throw new DomainError('RELEASE_REFUSED', 'the record was not asked for');
  return record;
}

async function permitOf(
  options: CustodianOptions,
  opening: Opening,
  evidence: EvidenceAnswer,
  item: { recordId: RecordId; basis: Basis },
): Promise<Permit> {
  const { input, transaction } = opening;
  const record = requireAskedFor(opening, item.recordId);
  const nowMs = options.clock();
  const { basis } = item;
  const { patientId, purpose } = input;
  const { creatorKeyHash } = transaction;
  const { channel, pinned } = options;
  const found = checkEvidence({ basis, patientId, record, purpose, creatorKeyHash, nowMs, channel, evidence, pinned });
  requireNotOlder(options.journal, found);
  const stored = await options.shares.read({
    recordId: record.recordId,
    version: record.version,
    ciphertextSha256: record.sha256,
    // Whatever others deposited for this record is not looked at: it can neither replace the author's nor stand in its way.
    depositor: record.authorOrganisation,
  });
  if (stored === undefined) throw new DomainError('SHARE_MISSING', record.recordId);
  // Endorsers who collude could say that a record belongs to a patient of theirs; the depositor said whose it is.
  if (stored.patientId !== patientId)
    throw new DomainError('EVIDENCE_INVALID', 'the share was deposited for another patient');
  await options.journal.append({
    transactionId: transaction.transactionId,
    recordId: record.recordId,
    version: record.version,
    timeMs: nowMs,
    ...(found.statementId === undefined ? {} : { statementId: found.statementId }),
    ...(found.version === undefined ? {} : { statementVersion: found.version }),
  });
  return { record, share: stored.share };
}

function requireNotOlder(journal: ReleaseJournal, found: { statementId?: string; version?: number }): void {
  if (found.statementId === undefined || found.version === undefined) return;
  if (journal.highestVersionSeen(found.statementId) > found.version)
    throw new DomainError('EVIDENCE_INVALID', 'the peer answers with an older statement than this custodian has seen');
}
