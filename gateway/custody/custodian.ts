import {
  DomainError,
  type ErrorCode,
  type EvidenceAnswer,
  fromBase64url,
  type Organisation,
  type QueryInput,
  type RecordId,
  type RecordMetadata,
  taggedBytes,
  utf8ToBytes,
} from '@medledger/chaincode/domain';
import { CustodyError } from './custody-errors.js';
import {
  checkedOpening,
  type CommittedOpening,
  evidenceFor,
  type Opening,
  type PermittedItem,
  permitsOf,
  requireAskedFor,
} from './committed-opening.js';
import { disbelieve, type StatementSeen } from './evidence-case.js';
import { checkEvidence, StatementRefusal } from './evidence-check.js';
import type { ReleaseEntry } from './release-log.js';

export type { CommittedOpening } from './committed-opening.js';

/** The custodian's view of the chain. Every answer comes from its own organisation's peer and from no other. */
export interface OwnPeer {
  /**
   * Waits until the transaction is committed, then reads it and checks the creator's signature over the envelope.
   *
   * @throws DomainError BLOCK_UNKNOWN when it was not committed within the deadline
   */
  committedTransaction(transactionId: string): Promise<CommittedOpening>;
  evidence(input: QueryInput<'consents:evidence'>): Promise<EvidenceAnswer>;
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
  const permits = permitsOf(opening.answer);
  const evidence = await options.peer.evidence(evidenceFor(opening, permits));
  const outcomes = await Promise.all(permits.map((item) => permitOrRefusal(options, opening, evidence, item)));
  const given = outcomes.filter((outcome): outcome is Permit => 'share' in outcome);
  const { enc, sealed } = await options.sealMany({
    recipient: fromBase64url(opening.oneTimeKey),
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

async function permitOrRefusal(
  options: CustodianOptions,
  opening: Opening,
  evidence: EvidenceAnswer,
  item: PermittedItem,
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
  const statements = refusal.seen.filter(({ id, version }) => version > journal.highestVersionSeen(id));
  if (statements.length === 0) return;
  const { transactionId } = opening.transaction;
  const { version } = requireAskedFor(opening, recordId);
  await journal.append({ transactionId, recordId, version, timeMs: clock(), statements, refusedAs: refusal.code });
}

async function permitOf(
  options: CustodianOptions,
  opening: Opening,
  evidence: EvidenceAnswer,
  item: PermittedItem,
): Promise<Permit> {
  const { patientId, purpose, transaction } = opening;
  const record = requireAskedFor(opening, item.recordId);
  const nowMs = options.clock();
  const { basis } = item;
  const { creatorKeyHash } = transaction;
  const { channel, pinned } = options;
  const found = checkEvidence({ basis, patientId, record, purpose, creatorKeyHash, nowMs, channel, evidence, pinned });
  requireNotOlder(options.journal, found.statements);
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
    statements: found.statements.filter(({ version }) => version > 0),
  });
  return { record, share: stored.share };
}

/** Also of what a peer says there is none: a policy that was seen once does not vanish. */
function requireNotOlder(journal: ReleaseJournal, found: readonly StatementSeen[]): void {
  const older = found.find(({ id, version }) => journal.highestVersionSeen(id) > version);
  if (older !== undefined)
    disbelieve(`the peer answers with an older statement ${older.id} than this custodian has seen`);
}
