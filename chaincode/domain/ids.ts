import { bytesToHex, fromBase64url, sha256, taggedBytes } from './bytes.js';
import { CID_CHARACTERS_MAX, CLASS_CHARACTERS_MAX, NAME_CHARACTERS_MAX } from './limits.js';
import { type Parse, text } from './shape.js';

export type MemberId = string & { readonly __brand: 'MemberId' };
export type AgencyId = string & { readonly __brand: 'AgencyId' };
export type MspId = string & { readonly __brand: 'MspId' };
export type SetId = string & { readonly __brand: 'SetId' };
export type RecordId = string & { readonly __brand: 'RecordId' };
export type GrantId = string & { readonly __brand: 'GrantId' };
export type RequestId = string & { readonly __brand: 'RequestId' };
export type DelegationId = string & { readonly __brand: 'DelegationId' };
export type GroupId = string & { readonly __brand: 'GroupId' };
export type RepresentationId = string & { readonly __brand: 'RepresentationId' };
export type EmergencyId = string & { readonly __brand: 'EmergencyId' };
/** A patient is a member; the id is a pseudonym that certifies the pinned key. */
export type PatientId = MemberId;

/** Stands where a lane is about no patient. */
export const NO_PATIENT = '-' as PatientId;

const slug = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;

export const memberId: Parse<MemberId> = text(slug, 'a member id (a-z, 0-9, hyphen, at most 64)');
export const agencyId: Parse<AgencyId> = text(slug, 'an agency id (a-z, 0-9, hyphen, at most 64)');
export const mspId: Parse<MspId> = text(/^[A-Za-z][A-Za-z0-9.-]{0,63}$/, 'an MSP id');
export const setId: Parse<SetId> = text(/^[0-9a-f]{32}$/, '16 bytes in lower-case hex');
export const recordId: Parse<RecordId> = text(/^[0-9a-f]{34}$/, 'a record id (34 characters of lower-case hex)');
export const grantId: Parse<GrantId> = text(/^g[0-9a-f]{32}$/, 'a grant id (g and 32 characters of lower-case hex)');
export const requestId: Parse<RequestId> = text(
  /^q[0-9a-f]{32}$/,
  'a request id (q and 32 characters of lower-case hex)',
);
export const delegationId: Parse<DelegationId> = text(
  /^d[0-9a-f]{32}$/,
  'a delegation id (d and 32 characters of lower-case hex)',
);
export const groupId: Parse<GroupId> = text(/^c[0-9a-f]{32}$/, 'a group id (c and 32 characters of lower-case hex)');
export const representationId: Parse<RepresentationId> = text(
  /^r[0-9a-f]{32}$/,
  'a representation id (r and 32 characters of lower-case hex)',
);
export const emergencyId: Parse<EmergencyId> = text(
  /^e[0-9a-f]{32}$/,
  'an emergency id (e and 32 characters of lower-case hex)',
);
export const cid: Parse<string> = text(new RegExp(`^b[a-z2-7]{20,${CID_CHARACTERS_MAX - 1}}$`), 'a CIDv1 in base32');
export const recordClass: Parse<string> = text(
  new RegExp(`^[A-Z][A-Za-z]{1,${CLASS_CHARACTERS_MAX - 1}}$`),
  'a FHIR resource type',
);
export const shownName: Parse<string> = text(
  new RegExp(`^[^\\u0000-\\u001f\\u007f]{1,${NAME_CHARACTERS_MAX}}$`),
  'a name without control characters',
);

/** The record at this place of a set; a set id and two hex digits. */
export function recordIdOf(set: SetId, index: number): RecordId {
  return `${set}${index.toString(16).padStart(2, '0')}` as RecordId;
}

export function placeOf(record: RecordId): { setId: SetId; index: number } {
  return { setId: record.slice(0, 32) as SetId, index: Number.parseInt(record.slice(32), 16) };
}

/** SHA-256 of the DER SubjectPublicKeyInfo, lower-case hex: keys are compared, not certificates. */
export function keyHashOf(signingKeySpki: Uint8Array): string {
  return bytesToHex(sha256(signingKeySpki));
}

/**
 * The pseudonym certifies its own pin: whoever holds id, key and salt can check that they belong together.
 *
 * @param input.signingKey - P-256 SubjectPublicKeyInfo, base64url
 * @param input.salt - 16 bytes, base64url
 * @returns `p-` and the first 20 bytes of the hash in hex
 */
export function patientIdOf(input: { signingKey: string; salt: string }): PatientId {
  const bytes = taggedBytes('medledger/patient-id/v1', [fromBase64url(input.signingKey), fromBase64url(input.salt)]);
  return `p-${bytesToHex(sha256(bytes)).slice(0, 40)}` as PatientId;
}
