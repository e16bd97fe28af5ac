import {
  canonicalJson,
  type EvidenceAnswer,
  memberId,
  parseCanonicalJson,
  shape,
  signedStatement,
  taggedBytes,
  utf8ToBytes,
} from '@medledger/chaincode/domain';
import { type Attestation, attestation } from './attestation.js';

export const RECEIPT_FORMAT = 'medledger-receipt/v1' as const;
/** An envelope of 200 openings takes some 600 KB, and the register document may be as large. */
export const RECEIPT_CHARACTERS_MAX = 32 * 1024 * 1024;

/** Who issued it, and that it is whole. */
export interface Seal {
  readonly mspId: string;
  /** Of the issuing organisation's service identity; DER, base64url. */
  readonly certificate: string;
  /** ECDSA P-256 over SHA-256 of `sealedBytes(receipt)`, DER with a low s; base64url. */
  readonly signature: string;
}

/**
 * One decision with all that proves it, as one canonical JSON document. Whoever holds the certificates of the members'
 * authorities can check it without any of the members.
 */
export interface DecisionReceipt {
  readonly format: typeof RECEIPT_FORMAT;
  readonly channel: string;
  readonly transactionId: string;
  readonly issuedAtMs: number;
  /** As it was signed and put into the block: base64url. Arguments, answer and endorsements are inside. */
  readonly envelope: { readonly payload: string; readonly signature: string };
  /** Of at least two organisations. */
  readonly attestations: readonly Attestation[];
  /** What was signed behind the decision, as it stood then; absent where the transaction is about no patient. */
  readonly evidence?: EvidenceAnswer;
  /** Who signs register documents: certificates of the registrars. */
  readonly registrars: readonly RegistrarCertificate[];
  readonly seal: Seal;
}

export interface RegistrarCertificate {
  readonly mspId: string;
  /** DER, base64url. */
  readonly certificate: string;
}

/** Everything but the seal's own signature. */
export function sealedBytes({ seal, ...rest }: DecisionReceipt): Uint8Array {
  const { mspId, certificate } = seal;
  return taggedBytes('medledger/receipt/v1', [utf8ToBytes(canonicalJson({ ...rest, seal: { mspId, certificate } }))]);
}

export function formatReceipt(receipt: DecisionReceipt): string {
  return canonicalJson(receipt);
}

const mspId = shape.text(/^[A-Za-z][\w.-]{0,63}$/, 'an MSP id');
const certificate = shape.base64url({ maxBytes: 8192 });
const bytes = shape.base64url({ maxBytes: RECEIPT_CHARACTERS_MAX });
const short = shape.text(/^.{0,400}$/s, 'a short text');
const items = <T>(parse: shape.Parse<T>) => shape.list(parse, { min: 0, max: 10_000 });
const stored = shape.object({ statement: signedStatement });
const register = shape.object({
  text: shape.text(/^\{.*\}$/s, 'canonical JSON'),
  signatures: items(shape.object({ mspId, signature: shape.base64url({ lengthBytes: 64 }) })),
});
const count = shape.integer({ min: 0, max: 2 ** 40 });
const member = shape.object({
  memberId,
  role: short,
  agencyId: shape.optional(short),
  organisation: short,
  signingKey: shape.base64url({ lengthBytes: 91 }),
  encryptionKey: shape.base64url({ lengthBytes: 32 }),
  keyCustody: short,
  genesis: short,
  salt: shape.optional(shape.base64url({ lengthBytes: 16 })),
  keyEpoch: shape.optional(count),
  registerDigest: shape.optional(short),
  registerVersion: shape.optional(count),
});
const counts: shape.Parse<Readonly<Record<string, number>>> = (value, pointer) => {
  const entries = Object.entries(typeof value === 'object' && value !== null ? value : {});
  return Object.fromEntries(entries.map(([name, used]) => [name, count(used, `${pointer}/${name}`)]));
};
const evidenceFields = shape.object({
  patient: shape.optional(member),
  actor: shape.optional(member),
  register: shape.optional(register),
  grants: items(shape.object({ grantId: short, stored: shape.optional(shape.object({ grant: signedStatement })) })),
  policy: shape.optional(signedStatement),
  groups: items(signedStatement),
  delegations: items(stored),
  representations: items(stored),
  emergencies: items(
    shape.object({
      declaration: signedStatement,
      agencyId: shape.optional(short),
      declaredAtMs: shape.timeMs,
      reviewDueMs: shape.timeMs,
      txId: short,
    }),
  ),
  signers: items(shape.object({ member, register: shape.optional(register) })),
  used: counts,
  noticed: shape.optional(count),
  timeMs: shape.timeMs,
});

/** Shapes only: what the statements say is read by the parsers of the domain, once their signatures were checked. */
const parseEvidence: shape.Parse<EvidenceAnswer> = (value, pointer) =>
  evidenceFields(value, pointer) as unknown as EvidenceAnswer;

const parseFields: shape.Parse<DecisionReceipt> = shape.object({
  format: shape.oneOf([RECEIPT_FORMAT]),
  channel: shape.text(/^.{1,250}$/, 'a channel name'),
  transactionId: shape.hex(32),
  issuedAtMs: shape.timeMs,
  envelope: shape.object({ payload: bytes, signature: bytes }),
  attestations: shape.list(attestation, { min: 0, max: 50 }),
  evidence: shape.optional(parseEvidence),
  registrars: shape.list(shape.object({ mspId, certificate }), { min: 0, max: 50 }),
  seal: shape.object({ mspId, certificate, signature: shape.base64url({ maxBytes: 80 }) }),
});

/**
 * Reads a receipt of which nothing is verified yet.
 *
 * @throws DomainError JSON_INVALID or INPUT_INVALID when the text is not one canonical receipt
 */
export function parseReceipt(text: string): DecisionReceipt {
  return parseFields(parseCanonicalJson(text, RECEIPT_CHARACTERS_MAX), '');
}
