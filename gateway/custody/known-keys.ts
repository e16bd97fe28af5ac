import {
  type Actor,
  fromBase64url,
  keyHashOf,
  type Member,
  type MemberId,
  parseRegisterDocument,
  patientIdOf,
  type PatientId,
  requireTwoSignatures,
  type SignedRegister,
} from '@medledger/chaincode/domain';
import { disbelieve, type EvidenceCase, type SignatureCase } from './evidence-case.js';
import { verifySignature } from './verify-signature.js';

/** Somebody whose key was proven: by the pseudonym that certifies it, or by a document that two organisations signed. */
export interface KnownPerson {
  readonly actor: Actor;
  /** P-256 SubjectPublicKeyInfo, base64url. */
  readonly signingKey: string;
}

/** @throws DomainError EVIDENCE_INVALID */
export function certifiedPatient(patient: Member | undefined, patientId: PatientId): KnownPerson {
  if (patient?.salt === undefined || patientIdOf({ signingKey: patient.signingKey, salt: patient.salt }) !== patientId)
    return disbelieve('the stored key is not the one that the pseudonym certifies');
  return { actor: { memberId: patientId, role: 'patient' }, signingKey: patient.signingKey };
}

/**
 * Who asked, as the register document says; another patient's pseudonym certifies its own key.
 *
 * @throws DomainError EVIDENCE_INVALID, REGISTER_SIGNATURES_MISSING
 */
export function askingActor(given: SignatureCase & Pick<EvidenceCase, 'creatorKeyHash'>): Actor {
  const { register, actor: member } = given.evidence;
  if (member === undefined) return disbelieve('no register document names the actor');
  const known = knownPerson(given, { member, register });
  if (keyHashOf(fromBase64url(known.signingKey)) === given.creatorKeyHash) return known.actor;
  return disbelieve('the register does not name the key that asked');
}

/**
 * Who signed for the patient, or passed on what it holds.
 *
 * @throws DomainError EVIDENCE_INVALID, REGISTER_SIGNATURES_MISSING
 */
export function knownSigner(given: SignatureCase, memberId: MemberId): KnownPerson {
  const { signers, actor, register } = given.evidence;
  const signer = signers.find(({ member }) => member.memberId === memberId);
  if (signer !== undefined) return knownPerson(given, signer);
  if (actor?.memberId === memberId) return knownPerson(given, { member: actor, register });
  return disbelieve(`nothing proves the key of ${memberId}`);
}

function knownPerson(
  given: SignatureCase,
  { member, register }: { readonly member: Member; readonly register?: SignedRegister | undefined },
): KnownPerson {
  const { memberId } = member;
  if (member.salt !== undefined) return certifiedPatient(member, memberId);
  if (register === undefined) return disbelieve(`no register document names ${memberId}`);
  requireTwoSignatures(register, given.pinned, verifySignature);
  const document = parseRegisterDocument(register.text);
  const entry = document.members.find((named) => named.memberId === memberId);
  if (document.channel !== given.channel || entry === undefined)
    return disbelieve(`the register document does not name ${memberId}`);
  const { role, agencyId, signingKey } = entry;
  const agency = agencyId === undefined ? {} : { agencyId };
  return { actor: { memberId, role, ...agency, registerVersion: document.version }, signingKey };
}
