import type { AgencyId, MemberId, MspId } from '../ids.js';
import type { AgencyKind, KeyCustody, Role } from '../vocabulary.js';

/** A member as the register holds it. Patients register themselves; staff is named in a document two organisations sign. */
export interface Member {
  readonly memberId: MemberId;
  readonly role: Role;
  readonly agencyId?: AgencyId;
  readonly organisation: MspId;
  /** P-256 SubjectPublicKeyInfo (DER), base64url: the pin. Certificates may be renewed; the key is compared. */
  readonly signingKey: string;
  /** X25519 public key, 32 bytes, base64url. */
  readonly encryptionKey: string;
  readonly keyCustody: KeyCustody;
  /** Link that the member's other lanes begin at. */
  readonly genesis: string;
  /** Patients only: with the signing key it makes the id. */
  readonly salt?: string;
  /** Patients only: how often the keys were rotated. */
  readonly keyEpoch?: number;
  /** Staff only: digest of the register document that names the member. */
  readonly registerDigest?: string;
  /** Staff only: version of that document, which says when the member joined what it belongs to. */
  readonly registerVersion?: number;
}

export interface Agency {
  readonly agencyId: AgencyId;
  readonly kind: AgencyKind;
  readonly name: string;
  readonly organisation: MspId;
}

/** An organisation of the consortium. Its keys sign register documents and take key shares. */
export interface Organisation {
  readonly mspId: MspId;
  readonly name: string;
  /** P-256 SubjectPublicKeyInfo (DER), base64url: signs register documents. */
  readonly registerKey: string;
  /** X25519 public key, base64url: key shares are sealed to it. Absent where the organisation is no custodian. */
  readonly custodianKey?: string;
}
