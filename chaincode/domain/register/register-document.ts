import { fromBase64url, sha256Hex, taggedBytes, utf8ToBytes } from '../bytes.js';
import { canonicalJson, parseCanonicalJson } from '../canonical-json.js';
import { DomainError } from '../errors.js';
import { agencyId, memberId, mspId, shownName, type MspId } from '../ids.js';
import { BUSINESS_JSON_CHARACTERS_MAX, REGISTER_MEMBERS_MAX } from '../limits.js';
import { base64url, distinctBy, integer, list, object, oneOf, optional, type Parse, text } from '../shape.js';
import type { VerifySignature } from '../statement.js';
import { agencyKind, keyCustody, type Role } from '../vocabulary.js';
import type { Agency, Member, Organisation } from './member.js';

export type RegisteredMember = Omit<Member, 'genesis' | 'salt' | 'keyEpoch' | 'registerDigest' | 'registerVersion'>;

/** What two organisations sign: who belongs to the consortium, and in which role. */
export interface RegisterDocument {
  readonly channel: string;
  /** Counts the documents of the channel, from 1. */
  readonly version: number;
  readonly organisations: readonly Organisation[];
  readonly agencies: readonly Agency[];
  readonly members: readonly RegisteredMember[];
}

export interface RegisterSignature {
  readonly mspId: MspId;
  /** ECDSA P-256 over SHA-256 of `registerBytes(text)`, r ‖ s, base64url. */
  readonly signature: string;
}

export interface SignedRegister {
  readonly text: string;
  readonly signatures: readonly RegisterSignature[];
}

const spki: Parse<string> = base64url({ lengthBytes: 91 });
const x25519: Parse<string> = base64url({ lengthBytes: 32 });
/** Patients are not in documents: they register themselves, with an id that certifies their key. */
const staffRole: Parse<Role> = oneOf(['doctor', 'nurse', 'insurer', 'government', 'auditor', 'admin']);

const parseDocument: Parse<RegisterDocument> = object({
  channel: text(/^.{1,250}$/, 'a channel name'),
  version: integer({ min: 1, max: 2 ** 31 }),
  organisations: distinctBy(
    object({ mspId, name: shownName, registerKey: spki, custodianKey: optional(x25519) }),
    (organisation) => organisation.mspId,
    { min: 0, max: 50 },
  ),
  agencies: distinctBy(
    object({ agencyId, kind: agencyKind, name: shownName, organisation: mspId }),
    (agency) => agency.agencyId,
    { min: 0, max: REGISTER_MEMBERS_MAX },
  ),
  members: distinctBy(
    object({
      memberId,
      role: staffRole,
      agencyId: optional(agencyId),
      organisation: mspId,
      signingKey: spki,
      encryptionKey: x25519,
      keyCustody,
    }),
    (member) => member.memberId,
    { min: 0, max: REGISTER_MEMBERS_MAX },
  ),
});

export const signedRegister: Parse<SignedRegister> = object({
  text: text(/^\{.*\}$/s, 'canonical JSON'),
  signatures: list(object({ mspId, signature: base64url({ lengthBytes: 64 }) }), { min: 1, max: 50 }),
});

export function formatRegisterDocument(document: RegisterDocument): string {
  return canonicalJson({
    channel: document.channel,
    version: document.version,
    organisations: document.organisations.map((organisation) => ({ ...organisation })),
    agencies: document.agencies.map((agency) => ({ ...agency })),
    members: document.members.map((member) => ({ ...member })),
  });
}

export function parseRegisterDocument(documentText: string): RegisterDocument {
  return parseDocument(parseCanonicalJson(documentText, BUSINESS_JSON_CHARACTERS_MAX), '/register');
}

/** The bytes that organisations sign. */
export function registerBytes(documentText: string): Uint8Array {
  return taggedBytes('medledger/register/v1', [utf8ToBytes(documentText)]);
}

export function registerDigest(documentText: string): string {
  return sha256Hex(registerBytes(documentText));
}

/**
 * Two different organisations of `trusted` must have signed, with two different keys.
 *
 * @param trusted - register keys already believed: of the stored register, or pinned by the one who checks
 * @throws DomainError REGISTER_SIGNATURES_MISSING otherwise
 */
export function requireTwoSignatures(
  signed: SignedRegister,
  trusted: readonly Pick<Organisation, 'mspId' | 'registerKey'>[],
  verify: VerifySignature,
): void {
  const bytes = registerBytes(signed.text);
  const signers = trusted.filter((organisation) =>
    signed.signatures.some(
      ({ mspId: signer, signature }) =>
        signer === organisation.mspId &&
        verify({ publicKeySpki: fromBase64url(organisation.registerKey), bytes, signature: fromBase64url(signature) }),
    ),
  );
  const organisationCount = new Set(signers.map((signer) => signer.mspId)).size;
  const keyCount = new Set(signers.map((signer) => signer.registerKey)).size;
  const count = Math.min(organisationCount, keyCount);
  if (count < 2) throw new DomainError('REGISTER_SIGNATURES_MISSING', `${count} of 2 valid signatures`);
}
