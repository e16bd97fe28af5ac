import { fromBase64url, sha256Hex, taggedBytes, utf8ToBytes } from './bytes.js';
import { canonicalJson, parseCanonicalJson } from './canonical-json.js';
import { DomainError } from './errors.js';
import { type MemberId, memberId, type PatientId } from './ids.js';
import { BUSINESS_JSON_CHARACTERS_MAX } from './limits.js';
import { base64url, integer, object, oneOf, optional, type Parse, text } from './shape.js';

/** What can be signed; a revocation carries the id of what it takes back. */
export const STATEMENT_KINDS = [
  'grant',
  'revocation',
  'policy',
  'group',
  'representation',
  'delegation',
  'emergency',
  'record',
] as const;
export type StatementKind = (typeof STATEMENT_KINDS)[number];

/**
 * What a patient, or somebody for the patient, signs. Endorsers who collude can write any state; they cannot write this.
 * `version` counts the statements about one id, from 1; `keyEpoch` counts the patient's key rotations, from 0.
 */
export interface Statement<Body> {
  readonly channel: string;
  readonly patientId: PatientId;
  readonly kind: StatementKind;
  readonly id: string;
  readonly version: number;
  /** Of whoever signs. */
  readonly keyEpoch: number;
  /** Who signs, where it is not the patient: representative, delegate, author, or who declares an emergency. */
  readonly by?: MemberId;
  readonly body: Body;
}

/** Text and detached signature, stored whole. */
export interface SignedStatement {
  /** Canonical JSON of a Statement. */
  readonly text: string;
  /** ECDSA P-256 over SHA-256 of `statementBytes(text)`, r ‖ s (IEEE P1363), base64url. */
  readonly signature: string;
}

/**
 * Verifies an ECDSA P-256 signature with whatever the platform has (node:crypto, WebCrypto).
 *
 * @param input.publicKeySpki - DER SubjectPublicKeyInfo
 * @param input.bytes - the message, not its digest
 * @param input.signature - 64 bytes, r ‖ s
 */
export type VerifySignature = (input: {
  publicKeySpki: Uint8Array;
  bytes: Uint8Array;
  signature: Uint8Array;
}) => boolean;

export const signedStatement: Parse<SignedStatement> = object({
  text: text(/^\{.*\}$/s, 'canonical JSON'),
  signature: base64url({ lengthBytes: 64 }),
});

/** The bytes under the signature. */
export function statementBytes(statementText: string): Uint8Array {
  return taggedBytes('medledger/statement/v1', [utf8ToBytes(statementText)]);
}

export function formatStatement(statement: Statement<object>): string {
  const { channel, patientId, kind, id, version, keyEpoch, by, body } = statement;
  return canonicalJson({ channel, patientId, kind, id, version, keyEpoch, ...(by === undefined ? {} : { by }), body });
}

/** Names one version of one statement, for logs and receipts. */
export function statementDigest(statementText: string): string {
  return sha256Hex(statementBytes(statementText));
}

/**
 * Reads a statement whose signature is not checked here.
 *
 * @throws DomainError STATEMENT_INVALID when the text is not one canonical statement
 */
export function parseStatement<Body>(statementText: string, parseBody: Parse<Body>): Statement<Body> {
  const parse = object({
    channel: text(/^.{1,250}$/, 'a channel name'),
    patientId: memberId,
    kind: oneOf(STATEMENT_KINDS),
    id: text(/^[a-z][0-9a-f]{32}$/, 'an id'),
    version: integer({ min: 1, max: 2 ** 31 }),
    keyEpoch: integer({ min: 0, max: 2 ** 31 }),
    by: optional(memberId),
    body: (value, pointer) => ({ value: parseBody(value, pointer) }),
  });
  try {
    const { body, ...rest } = parse(parseCanonicalJson(statementText, BUSINESS_JSON_CHARACTERS_MAX), '/statement');
    return { ...rest, body: body.value };
  } catch (cause) {
    if (cause instanceof DomainError && cause.code !== 'NOT_SUPPORTED')
      throw new DomainError('STATEMENT_INVALID', cause.message, { cause });
    throw cause;
  }
}

/** @throws DomainError SIGNATURE_INVALID unless the key signed exactly this text */
export function requireSignature(signed: SignedStatement, signingKey: string, verify: VerifySignature): void {
  const publicKeySpki = fromBase64url(signingKey);
  const valid = verify({
    publicKeySpki,
    bytes: statementBytes(signed.text),
    signature: fromBase64url(signed.signature),
  });
  if (!valid) throw new DomainError('SIGNATURE_INVALID', 'the pinned key did not sign this statement');
}
