import { MspError, type MspIdentity } from '../msp.js';
import type { EndorsedTransaction } from './endorsed-transaction.js';
import type { SignatureCache } from './signature-cache.js';
import type { PolicySigner } from './signature-policy.js';

export type { EndorsementPolicy } from './chaincode-definition.js';

/** More endorsements than any channel has endorsers are somebody's attempt to make peers check signatures. */
const ENDORSEMENTS_CONSIDERED_MAX = 16;

/**
 * Who endorsed, each once. A bad endorsement counts for nothing but does no harm to the others, as in Fabric.
 *
 * @param atMs - when the endorsers' certificates must not have been revoked
 */
export function endorsersOf(
  transaction: EndorsedTransaction,
  signatures: SignatureCache,
  atMs: number,
): readonly PolicySigner[] {
  const signers = new Map<string, PolicySigner>();
  for (const { endorser, signature } of transaction.endorsements.slice(0, ENDORSEMENTS_CONSIDERED_MAX)) {
    const signed = Buffer.concat([transaction.proposalResponsePayload, endorser]);
    const identity = verified(() => signatures.verify(endorser, signed, signature, atMs));
    if (identity === undefined) continue;
    const { mspId, ou } = identity;
    signers.set(Buffer.from(endorser).toString('latin1'), { mspId, ou, serialized: endorser });
  }
  return [...signers.values()];
}

/** @returns undefined when the identity or its signature is not good */
export function verified(verify: () => MspIdentity): MspIdentity | undefined {
  try {
    return verify();
  } catch (error) {
    if (error instanceof MspError) return undefined;
    throw error;
  }
}
