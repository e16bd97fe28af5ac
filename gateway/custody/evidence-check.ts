import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  type Basis,
  decideAccess,
  DomainError,
  type ErrorCode,
  type EvidenceAnswer,
  fromBase64url,
  grantOf,
  keyHashOf,
  type Member,
  type Organisation,
  parseGrantStatement,
  parseRegisterDocument,
  patientIdOf,
  type PatientId,
  type Purpose,
  type RecordMetadata,
  requireSignature,
  requireTwoSignatures,
  type StoredGrant,
  type VerifySignature,
} from '@medledger/chaincode/domain';

/** What the custodian was told by the transaction, and what it knows by itself. */
export interface EvidenceCase {
  readonly basis: Basis;
  readonly patientId: PatientId;
  readonly record: RecordMetadata;
  readonly purpose: Purpose;
  /** SHA-256 of the creator's public key, from the certificate in the envelope. */
  readonly creatorKeyHash: string;
  /** The custodian's own clock. */
  readonly nowMs: number;
  readonly channel: string;
  readonly evidence: EvidenceAnswer;
  /** Register keys this custodian holds itself; the ones in state prove nothing to it. */
  readonly pinned: readonly Pick<Organisation, 'mspId' | 'registerKey'>[];
}

/** The statement version that was relied upon, so that an older one is never accepted again. */
export interface EvidenceFound {
  readonly statementId?: string;
  readonly version?: number;
}

/** A refusal by what a signed statement says now. That version was seen, so an older one is never accepted again. */
export class StatementRefusal extends DomainError {
  readonly seen: Required<EvidenceFound>;

  constructor(code: ErrorCode, detail: string, seen: Required<EvidenceFound>) {
    super(code, detail);
    this.name = 'StatementRefusal';
    this.seen = seen;
  }
}

/**
 * Checks that a permit rests on signatures: the patient's pinned key, which the pseudonym certifies, and for staff
 * the register document that two organisations signed. State alone convinces no custodian.
 *
 * @throws DomainError EVIDENCE_INVALID; StatementRefusal GRANT_ENDED or another refusal as of the custodian's clock
 */
export function checkEvidence(given: EvidenceCase): EvidenceFound {
  const patient = certifiedPatient(given.evidence.patient, given.patientId);
  if (given.basis.kind === 'own') {
    if (given.creatorKeyHash !== keyHashOf(fromBase64url(patient.signingKey)))
      throw new DomainError('EVIDENCE_INVALID', 'the creator does not hold the key that the patient pinned');
    return {};
  }
  const { grantId } = given.basis;
  const actor = registeredActor(given);
  const grant = signedGrant(given, grantId, patient);
  const decision = decideAccess(
    {
      actor: { memberId: actor.memberId, ...(actor.agencyId === undefined ? {} : { agencyId: actor.agencyId }) },
      patientId: given.patientId,
      record: given.record,
      action: 'read',
      purpose: given.purpose,
      atMs: given.nowMs,
    },
    [grant],
  );
  const seen = { statementId: grantId, version: grant.version };
  if (decision.outcome === 'deny')
    throw new StatementRefusal(decision.code, `grant ${grantId} does not carry this opening now`, seen);
  return seen;
}

function certifiedPatient(patient: Member | undefined, patientId: PatientId): Member {
  if (patient?.salt === undefined || patientIdOf({ signingKey: patient.signingKey, salt: patient.salt }) !== patientId)
    throw new DomainError('EVIDENCE_INVALID', 'the stored key is not the one that the pseudonym certifies');
  return patient;
}

type NamedActor = { readonly memberId: Member['memberId']; readonly agencyId?: Member['agencyId'] };

/** Staff is named by a register document; another patient's pseudonym certifies its own key. */
function registeredActor(given: EvidenceCase): NamedActor {
  const { register, actor } = given.evidence;
  if (actor?.salt !== undefined) return certifiedActor(actor.memberId, certifiedPatient(actor, actor.memberId), given);
  if (register === undefined || actor === undefined)
    throw new DomainError('EVIDENCE_INVALID', 'no register document names the actor');
  requireTwoSignatures(register, given.pinned, verifySignature);
  const document = parseRegisterDocument(register.text);
  const entry = document.members.find(({ memberId }) => memberId === actor.memberId);
  const named = entry !== undefined && keyHashOf(fromBase64url(entry.signingKey)) === given.creatorKeyHash;
  if (document.channel !== given.channel || !named)
    throw new DomainError('EVIDENCE_INVALID', 'the register document does not name the key that asked');
  return entry;
}

function certifiedActor(id: Member['memberId'], { signingKey }: Member, { creatorKeyHash }: EvidenceCase): NamedActor {
  if (keyHashOf(fromBase64url(signingKey)) === creatorKeyHash) return { memberId: id };
  throw new DomainError('EVIDENCE_INVALID', 'the pseudonym does not certify the key that asked');
}

function signedGrant(given: EvidenceCase, grantId: string, patient: Member): ReturnType<typeof grantOf> {
  const stored = given.evidence.grants.find((candidate) => candidate.grantId === grantId)?.stored;
  if (stored === undefined) throw new DomainError('EVIDENCE_INVALID', `grant ${grantId} is not in state`);
  requireGrantSignatures(stored, patient);
  const grant = grantOf(stored);
  const { channel } = parseGrantStatement(stored.grant.text);
  if (grant.grantId !== grantId || grant.patientId !== given.patientId || channel !== given.channel)
    throw new DomainError('EVIDENCE_INVALID', 'the signed statement is about something else');
  return grant;
}

function requireGrantSignatures(stored: StoredGrant, patient: Member): void {
  try {
    requireSignature(stored.grant, patient.signingKey, verifySignature);
    if (stored.revocation !== undefined) requireSignature(stored.revocation, patient.signingKey, verifySignature);
  } catch (cause) {
    throw new DomainError('EVIDENCE_INVALID', 'the patient did not sign this grant', { cause });
  }
}

/** ECDSA P-256 over SHA-256, r ‖ s, with node:crypto: 0.09 ms where pure JavaScript takes 2.5. */
export const verifySignature: VerifySignature = ({ publicKeySpki, bytes, signature }) => {
  const key = publicKeyOf(publicKeySpki);
  return key !== undefined && verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
};

function publicKeyOf(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
