import {
  canonicalJson,
  fromBase64url,
  limits,
  parseCanonicalJson,
  shape,
  taggedBytes,
  toBase64url,
  utf8ToBytes,
} from '@medledger/chaincode/domain';
import { envelopeDigest } from '../../ledger/envelope-signature.js';
import type { Ledger, LedgerIdentity } from '../../ledger/ledger.js';
import { MedledgerError } from '../../medledger-error.js';
import type { ChainViews } from '../chain-views.js';

/** What one organisation's own peer holds of a transaction. Hashes are lower-case hex. */
export interface AttestedFacts {
  readonly channel: string;
  readonly transactionId: string;
  /** Of the envelope as it lies in the block. */
  readonly envelopeSha256: string;
  /** Fabric's name. Blocks carry it unsigned, so that somebody must say it. */
  readonly validationCode: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  /** Empty for block 0. */
  readonly previousHash: string;
  readonly dataHash: string;
  readonly attestedAtMs: number;
}

/**
 * An organisation's word for where a transaction stands. The data hash of a block covers all its envelopes, and those
 * of other patients do not leave with a receipt: the way from envelope to block is said, not shown.
 */
export interface Attestation {
  readonly mspId: string;
  /** Of the organisation's service identity; DER, base64url. */
  readonly certificate: string;
  /** Canonical JSON of AttestedFacts. */
  readonly text: string;
  /** ECDSA P-256 over SHA-256 of `attestationBytes(text)`, DER with a low s; base64url. */
  readonly signature: string;
}

/** An organisation that can be asked; the own one too. */
export interface Attester {
  readonly mspId: string;
  attest(transactionId: string): Promise<Attestation>;
}

export interface AttesterPorts {
  readonly ledger: Pick<Ledger, 'channel' | 'commitStatusOf' | 'transactionById'>;
  /** The organisation's own service identity. */
  readonly identity: LedgerIdentity;
  /** Absent in an organisation without a peer, which has nothing to attest by. */
  readonly views: Pick<ChainViews, 'awaitBlock' | 'block'> | undefined;
  readonly nowMs: () => number;
}

const COMMIT_WAIT_MS = 2_000;

export function attestationBytes(text: string): Uint8Array {
  return taggedBytes('medledger/attestation/v1', [utf8ToBytes(text)]);
}

const blockHash = shape.hex(32);

export const attestation: shape.Parse<Attestation> = shape.object({
  mspId: shape.text(/^[A-Za-z][\w.-]{0,63}$/, 'an MSP id'),
  certificate: shape.base64url({ maxBytes: 8192 }),
  text: shape.text(/^\{.*\}$/s, 'canonical JSON'),
  signature: shape.base64url({ maxBytes: 80 }),
});

const parseFacts: shape.Parse<AttestedFacts> = shape.object({
  channel: shape.text(/^.{1,250}$/, 'a channel name'),
  transactionId: shape.hex(32),
  envelopeSha256: shape.hex(32),
  validationCode: shape.text(/^[A-Z0-9_]{1,64}$/, "Fabric's name of a code"),
  blockNumber: shape.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  blockHash,
  previousHash: (value, pointer) => (value === '' ? '' : blockHash(value, pointer)),
  dataHash: blockHash,
  attestedAtMs: shape.timeMs,
});

/** @throws DomainError JSON_INVALID or INPUT_INVALID when the text is not one canonical attestation */
export function parseAttestedFacts(text: string): AttestedFacts {
  return parseFacts(parseCanonicalJson(text, limits.BUSINESS_JSON_CHARACTERS_MAX), '/attestation');
}

/**
 * Looks at the own peer and at no other, and signs what it holds.
 *
 * @throws MedledgerError NO_PEER, BLOCK_UNKNOWN; LedgerFailure
 */
export function createAttester({ ledger, identity, views, nowMs }: AttesterPorts): Attester['attest'] {
  return async (transactionId) => {
    if (views === undefined) throw new MedledgerError('NO_PEER');
    const { blockNumber } = await ledger.commitStatusOf(identity, transactionId, { deadlineMs: COMMIT_WAIT_MS });
    const found = await ledger.transactionById(identity, transactionId);
    await views.awaitBlock(blockNumber);
    const block = views.block(blockNumber);
    if (block === undefined) throw new MedledgerError('BLOCK_UNKNOWN');
    const facts: AttestedFacts = {
      channel: ledger.channel,
      transactionId,
      envelopeSha256: envelopeDigest(found),
      validationCode: found.validationCode,
      blockNumber,
      blockHash: block.hash,
      previousHash: block.previousHash,
      dataHash: block.dataHash,
      attestedAtMs: nowMs(),
    };
    const text = canonicalJson(facts);
    const signature = toBase64url(await identity.sign(attestationBytes(text)));
    return { mspId: identity.mspId, certificate: certificateText(identity.certificatePem), text, signature };
  };
}

const PEM_FRAME = /-----(?:BEGIN|END) CERTIFICATE-----|\s/g;

/** The one certificate of a PEM text as base64url of its DER. */
export function certificateText(pem: string): string {
  return toBase64url(Buffer.from(pem.replaceAll(PEM_FRAME, ''), 'base64'));
}

/** Whether both say the same of the same transaction; when they looked may differ. */
export function sayTheSame(left: AttestedFacts, right: AttestedFacts): boolean {
  return canonicalJson({ ...left, attestedAtMs: 0 }) === canonicalJson({ ...right, attestedAtMs: 0 });
}

/** @returns DER */
export function certificateBytes(text: string): Uint8Array {
  return fromBase64url(text);
}
