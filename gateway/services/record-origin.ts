import {
  fromBase64url,
  type Member,
  type Organisation,
  type OriginAnswer,
  parseRegisterDocument,
  patientIdOf,
  placeOf,
  recordDigest,
  type RecordMetadata,
  recordSetStatement,
  requireSignature,
  requireTwoSignatures,
  type StoredRecord,
} from '@medledger/chaincode/domain';
import { verifySignature } from '../custody/verify-signature.js';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { MedledgerError } from '../medledger-error.js';

export interface OriginPorts {
  readonly chain: LedgerChain;
  /** Register keys this gateway holds itself. */
  readonly pinned: readonly Pick<Organisation, 'mspId' | 'registerKey'>[];
  readonly onForgedOrigin: (found: { recordId: string; authorId: string; reason: string }) => void;
}

/**
 * The author signed this record with the key that the register, or the author's own pseudonym, certifies. Nothing of
 * the author's organisation has to be reachable for that.
 *
 * @throws MedledgerError ORIGIN_INVALID
 */
export async function requireOrigin(
  ports: OriginPorts,
  identity: UnlockedIdentity,
  record: RecordMetadata,
): Promise<void> {
  const { recordId, authorId } = record;
  const origin = await ports.chain.query(identity, 'records:origin', { recordId });
  try {
    checkOrigin(origin, { record, channel: ports.chain.channel, pinned: ports.pinned });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    ports.onForgedOrigin({ recordId, authorId, reason });
    throw new MedledgerError('ORIGIN_INVALID', undefined, { cause, extra: { authorId } });
  }
}

/** @throws Error that says what does not fit */
export function checkOrigin(
  origin: OriginAnswer,
  expected: { record: RecordMetadata; channel: string; pinned: OriginPorts['pinned'] },
): void {
  const { record, channel, pinned } = expected;
  const { setId, index } = placeOf(record.recordId);
  const { digests, authorSignature, author } = origin;
  if (digests[index] !== recordDigest(storedPart(record))) throw new Error('the record is not the one that was signed');
  if (author.memberId !== record.authorId) throw new Error(`the record names ${record.authorId} as its author`);
  requireCertified(origin, channel, pinned);
  const { patientId, authorId } = record;
  const text = recordSetStatement({ channel, patientId, authorId, setId, digests });
  requireSignature({ text, signature: authorSignature }, author.signingKey, verifySignature);
}

function requireCertified({ author, register }: OriginAnswer, channel: string, pinned: OriginPorts['pinned']): void {
  if (author.salt !== undefined) {
    if (patientIdOf({ signingKey: author.signingKey, salt: author.salt }) === author.memberId) return;
    throw new Error("the author's pseudonym does not certify the key");
  }
  if (register === undefined) throw new Error('no register document names the author');
  requireTwoSignatures(register, pinned, verifySignature);
  const document = parseRegisterDocument(register.text);
  const entry = document.members.find(({ memberId }) => memberId === author.memberId);
  if (document.channel !== channel || entry === undefined || !isSameKey(entry, author))
    throw new Error('the register document does not name this key of the author');
}

function isSameKey(left: Pick<Member, 'signingKey'>, right: Pick<Member, 'signingKey'>): boolean {
  return Buffer.from(fromBase64url(left.signingKey)).equals(fromBase64url(right.signingKey));
}

/** What was signed of it: the rest is where the chain put it. */
function storedPart(record: RecordMetadata): StoredRecord {
  const { recordId: _id, version: _version, patientId: _patient, authorId: _author, ...rest } = record;
  const { authorOrganisation: _mspId, addedAtMs: _addedAt, txId: _txId, ...stored } = rest;
  return stored;
}
