import type { SignatureCache } from '../commit/signature-cache.js';
import { mayWrite } from '../endorse/proposal-checks.js';
import { hasEnded, MspError, type MspIdentity, type MspRegistry } from '../msp.js';

export interface SignedRequest {
  /** Serialised msp.SerializedIdentity. */
  readonly identity: Uint8Array;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
}

export interface AccessPolicyOptions {
  readonly msps: MspRegistry;
  readonly signatures: SignatureCache;
  /** Organisations that may have blocks with their payloads. */
  readonly blockReaderMspIds: readonly string[];
  readonly nowMs: () => number;
}

/**
 * Who may ask a peer for what. Members of every organisation may propose transactions, ask for their status and see
 * chaincode events and filtered blocks; blocks as they are only go to organisations with a peer, which hold them
 * anyway.
 */
export class AccessPolicy {
  readonly #msps: MspRegistry;
  readonly #signatures: SignatureCache;
  readonly #blockReaderMspIds: ReadonlySet<string>;
  readonly #nowMs: () => number;

  constructor(options: AccessPolicyOptions) {
    this.#msps = options.msps;
    this.#signatures = options.signatures;
    this.#blockReaderMspIds = new Set(options.blockReaderMspIds);
    this.#nowMs = options.nowMs;
  }

  /** @throws MspError the signature is not that of a member of the channel */
  verifyReader(request: SignedRequest): MspIdentity {
    return this.#msps.verify(request.identity, request.data, request.signature, this.#nowMs());
  }

  /**
   * For what every peer of the process will check once more when it is in a block.
   *
   * @throws MspError also when the member may only read
   */
  verifyWriter(request: SignedRequest): MspIdentity {
    const writer = this.#signatures.verify(request.identity, request.data, request.signature, this.#nowMs());
    if (!mayWrite(writer)) throw new MspError('NO_ROLE', `A certificate of ${writer.ou} may not submit transactions.`);
    return writer;
  }

  mayReadBlocks(mspId: string): boolean {
    return this.#blockReaderMspIds.has(mspId);
  }

  hasEnded(identity: MspIdentity): boolean {
    return hasEnded(identity, this.#nowMs());
  }

  /** Whether a serialised identity is that of a certificate that has ended; false for what is none. */
  isOfEndedCertificate(creator: Uint8Array): boolean {
    try {
      return this.hasEnded(this.#msps.identity(creator));
    } catch (error) {
      if (error instanceof MspError) return false;
      throw error;
    }
  }
}

/** What a client is told; the exact fault stays in the peer's log, as in Fabric. */
export function denialText(channel: string, policy: string, error: unknown): string {
  const reason = error instanceof MspError ? error.reason : 'NOT_A_READER';
  return (
    `Failed evaluating policy on signed data during check policy on channel [${channel}] with policy [${policy}]: ` +
    `[implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Readers' ` +
    `sub-policies to be satisfied] (${reason})`
  );
}
