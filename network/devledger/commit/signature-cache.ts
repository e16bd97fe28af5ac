import { createHash } from 'node:crypto';
import { checkStanding, type MspIdentity, type MspRegistry } from '../msp.js';

/**
 * Those of some 4,000 transactions: a signature is asked for again when the last peer commits it, a few blocks after the
 * first has seen it. A peer that is further behind checks it again. About 100 bytes each.
 */
const DEFAULT_SIGNATURES_MAX = 12_000;

/**
 * Signatures found good, remembered for all peers of the process: the same three signatures of a transaction are
 * otherwise checked again by every peer. Nothing but that arithmetic is shared; whether the certificate is one of the
 * channel's, and not revoked at the time in question, is asked each time. Failures are not remembered.
 */
export class SignatureCache {
  readonly #msps: MspRegistry;
  readonly #signaturesMax: number;
  readonly #good = new Set<string>();

  constructor(msps: MspRegistry, signaturesMax: number = DEFAULT_SIGNATURES_MAX) {
    this.#msps = msps;
    this.#signaturesMax = signaturesMax;
  }

  /** Number of signatures remembered. */
  get size(): number {
    return this.#good.size;
  }

  /** Of the members whose signatures can be good. */
  mspIds(): readonly string[] {
    return this.#msps.mspIds();
  }

  /**
   * @param atMs - when the certificate must not have been revoked
   * @throws MspError
   */
  verify(serializedIdentity: Uint8Array, data: Uint8Array, signature: Uint8Array, atMs: number): MspIdentity {
    const digest = signatureDigest(serializedIdentity, data, signature);
    if (this.#good.has(digest)) {
      const identity = this.#msps.identity(serializedIdentity);
      checkStanding(identity, atMs);
      return identity;
    }
    const identity = this.#msps.verify(serializedIdentity, data, signature, atMs);
    this.#add(digest);
    return identity;
  }

  /** Notes a signature this process has just made with its own key, or has just checked elsewhere. */
  remember(serializedIdentity: Uint8Array, data: Uint8Array, signature: Uint8Array): void {
    this.#add(signatureDigest(serializedIdentity, data, signature));
  }

  #add(digest: string): void {
    if (this.#good.size >= this.#signaturesMax) {
      const oldest = this.#good.values().next();
      if (oldest.done !== true) this.#good.delete(oldest.value);
    }
    this.#good.add(digest);
  }
}

function signatureDigest(serializedIdentity: Uint8Array, data: Uint8Array, signature: Uint8Array): string {
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(serializedIdentity.length, 0);
  lengths.writeUInt32BE(signature.length, 4);
  return createHash('sha256')
    .update(lengths)
    .update(serializedIdentity)
    .update(signature)
    .update(data)
    .digest('base64');
}
