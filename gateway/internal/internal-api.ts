import type { Release } from '../custody/custodian.js';
import type { SealedDeposit } from '../custody/deposit.js';
import type { Attestation } from '../services/receipts/attestation.js';

/**
 * What gateways of different organisations ask of each other, over HTTPS with certificates on both sides.
 * All answers are durable when they arrive; all calls may be repeated.
 */
export interface InternalApi {
  /** Stores key shares. Refused with SHARE_CONFLICT where the same depositor stored another share for the record. */
  depositShares(deposit: SealedDeposit): Promise<void>;
  /** Releases this custodian's shares for a committed opening. */
  releaseShares(transactionId: string): Promise<Release>;
  /** Where a committed transaction stands, by this organisation's own peer, signed; for decision receipts. */
  attest(transactionId: string): Promise<Attestation>;
  /** Stores ciphertexts and answers their CIDs, in order. */
  storeObjects(objects: readonly Uint8Array[]): Promise<readonly string[]>;
  /** One ciphertext, or undefined where this vault does not hold it whole. */
  readObject(cid: string): Promise<Uint8Array | undefined>;
  /** Where this organisation's vault node listens (libp2p multiaddrs). */
  vaultAddresses(): Promise<readonly string[]>;
}

export const INTERNAL_BODY_LIMIT_BYTES = 64 * 1024 * 1024;
