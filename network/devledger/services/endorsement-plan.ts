import type { ChannelRules } from '../commit/channel-rules.js';
import type { Policy, PolicySigner } from '../commit/signature-policy.js';
import type { Endorser } from '../endorse/endorser.js';
import type { ChaincodeInterest } from '../endorse/interest.js';

/** Combinations are tried one by one: with twelve organisations there are four thousand. */
const ENDORSERS_CONSIDERED_MAX = 12;

export interface PlanOptions {
  readonly rules: ChannelRules;
  /** Peers in service that have the chaincode, the preferred ones first. */
  readonly candidates: readonly Endorser[];
  /** Whether the proposal carries data that only members of the collections may see. */
  readonly protectTransientData: boolean;
}

/** What a transaction asks of endorsers that does nothing but call a chaincode. */
export function defaultInterest(chaincode: string): ChaincodeInterest {
  return { chaincode, collection: '', needsPolicy: true, keyPolicies: [], hasPrivateReads: false };
}

/**
 * The sets of peers that are enough to endorse and hold nobody who is not needed, the smallest first: by the policies
 * of every chaincode, collection and key concerned, and members only where private data are read.
 *
 * @see Fabric discovery/endorsement/endorsement.go, internal/pkg/gateway/endorse.go
 */
export function endorsementLayouts(interest: readonly ChaincodeInterest[], options: PlanOptions): Endorser[][] {
  const policies = requiredPolicies(interest, options.rules);
  if (policies === undefined) return [];
  const candidates = membersOnly(interest, options).slice(0, ENDORSERS_CONSIDERED_MAX);
  const found: Endorser[][] = [];
  for (const endorsers of subsetsBySize(candidates)) {
    if (found.some((smaller) => smaller.every((endorser) => endorsers.includes(endorser)))) continue;
    const signers = endorsers.map(signerOf);
    if (policies.every((policy) => policy(signers))) found.push(endorsers);
  }
  return found;
}

/** @returns undefined when one of them can be satisfied by nobody */
function requiredPolicies(interest: readonly ChaincodeInterest[], rules: ChannelRules): Policy[] | undefined {
  const policies: (Policy | undefined)[] = interest.flatMap(({ chaincode, collection, needsPolicy, keyPolicies }) => [
    ...keyPolicies,
    ...(needsPolicy ? [policyOf(chaincode, collection, rules)] : []),
  ]);
  const known = policies.filter((policy): policy is Policy => policy !== undefined);
  return known.length === policies.length ? [...new Set(known)] : undefined;
}

function policyOf(chaincode: string, collection: string, rules: ChannelRules): Policy | undefined {
  const own = collection === '' ? 'chaincode' : rules.collectionPolicy(chaincode, collection);
  return own === 'chaincode' ? rules.chaincodePolicy(chaincode) : own;
}

function membersOnly(
  interest: readonly ChaincodeInterest[],
  { rules, candidates, protectTransientData }: PlanOptions,
): readonly Endorser[] {
  const collections = interest.flatMap(({ chaincode, collection, needsPolicy, hasPrivateReads }) => {
    // As on Fabric, a collection in which every key written has a policy of its own does not protect transient data.
    const isProtected = hasPrivateReads || (protectTransientData && needsPolicy);
    return collection !== '' && isProtected ? [rules.collection(chaincode, collection)] : [];
  });
  return candidates.filter((endorser) => collections.every((rule) => rule?.isMember(signerOf(endorser)) === true));
}

export function signerOf({ mspId, serialized }: Endorser): PolicySigner {
  return { mspId, ou: 'peer', serialized };
}

function subsetsBySize(candidates: readonly Endorser[]): Endorser[][] {
  const subsets: Endorser[][] = [[]];
  for (const endorser of candidates) subsets.push(...subsets.map((subset) => [...subset, endorser]));
  return subsets.filter((subset) => subset.length > 0).sort((left, right) => left.length - right.length);
}
