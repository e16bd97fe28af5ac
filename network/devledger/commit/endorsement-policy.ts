import { MspError, type MspIdentity } from '../msp.js';
import type { EndorsedTransaction } from './endorsed-transaction.js';
import type { SignatureCache } from './signature-cache.js';

/** OutOf(needed, endorsers), each by one of its peers. */
export interface EndorsementPolicy {
  /** MSP ids. */
  readonly endorsers: readonly string[];
  readonly needed: number;
}

/** More endorsements than any channel has endorsers are somebody's attempt to make peers check signatures. */
const ENDORSEMENTS_CONSIDERED_MAX = 16;

/**
 * Whether enough different organisations endorsed. A bad endorsement counts for nothing but does no harm to the others,
 * as in Fabric.
 *
 * @param atMs - when the endorsers' certificates must not have been revoked
 */
export function satisfiesPolicy(
  transaction: EndorsedTransaction,
  policy: EndorsementPolicy,
  signatures: SignatureCache,
  atMs: number,
): boolean {
  const organisations = new Set<string>();
  for (const { endorser, signature } of transaction.endorsements.slice(0, ENDORSEMENTS_CONSIDERED_MAX)) {
    const signed = Buffer.concat([transaction.proposalResponsePayload, endorser]);
    const identity = verified(() => signatures.verify(endorser, signed, signature, atMs));
    if (identity?.ou === 'peer' && policy.endorsers.includes(identity.mspId)) organisations.add(identity.mspId);
    if (organisations.size >= policy.needed) return true;
  }
  return false;
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
