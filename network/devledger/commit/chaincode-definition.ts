import { type common, msp, peer } from '@hyperledger/fabric-protos';
import type { Version } from '../peer-ledger.js';
import { outOfPolicy } from './signature-policy.js';
import { parseMessage } from '../wire/parse-message.js';

/** What the organisations have agreed on about a chaincode. */
export interface ChaincodeDefinition {
  readonly name: string;
  readonly version: string;
  /** 1 for the first one. */
  readonly sequence: number;
  /** Serialised protos.ApplicationPolicy, or the signature policy itself. */
  readonly endorsementPolicy: Uint8Array | common.SignaturePolicyEnvelope;
  readonly collections: peer.CollectionConfigPackage | undefined;
  /** Whether the chaincode's Init has to be called, once, before anything else. */
  readonly initRequired: boolean;
  /** Number of the first block whose transactions are judged by it; from the beginning where left out. */
  readonly fromBlock?: number;
  /** What the chaincode registers as, where that is known. */
  readonly packageId?: string;
}

/** OutOf(needed, endorsers), each by one of its peers. */
export interface EndorsementPolicy {
  /** MSP ids. */
  readonly endorsers: readonly string[];
  readonly needed: number;
}

/** Where Fabric keeps what the organisations have agreed on about chaincodes. */
export const LIFECYCLE_NAMESPACE = '_lifecycle';

/**
 * Of the definitions that are given when the ledger starts and never change: they count as written with the channel
 * itself. On a real channel it is the version of the transaction that committed the definition.
 */
export const DEFINITION_VERSION: Version = { blockNumber: 0, txNumber: 0 };

/**
 * The version of a definition's key, which every endorsement of the chaincode rests on: what was endorsed under one
 * definition is invalid under the next. Two definitions may begin with the same block, so the sequence tells them apart.
 */
export function definitionVersion(definition: ChaincodeDefinition | undefined): Version {
  if (definition?.fromBlock === undefined) return DEFINITION_VERSION;
  return { blockNumber: definition.fromBlock, txNumber: definition.sequence };
}

/**
 * The key that every simulation reads first, so that what was endorsed under one definition of the chaincode is
 * invalid under the next.
 *
 * @see Fabric core/chaincode/lifecycle/endorsement_info.go, CachedChaincodeInfo
 */
export function definitionKey(chaincode: string): string {
  return `namespaces/fields/${chaincode}/Sequence`;
}

/**
 * What a simulation reads besides, as soon as a collection of the chaincode is concerned: the whole definition.
 *
 * @see Fabric core/chaincode/lifecycle/serializer.go, Deserialize
 */
export function definitionKeys(chaincode: string): string[] {
  const fields = ['Collections', 'EndorsementInfo', 'Sequence', 'ValidationInfo'];
  return [...fields.map((field) => `namespaces/fields/${chaincode}/${field}`), `namespaces/metadata/${chaincode}`];
}

/** The definition of a chaincode of which nothing is said but its name: the channel's policy, no collections. */
export function plainDefinition(
  chaincode: { readonly name: string; readonly version: string },
  policy: EndorsementPolicy,
): ChaincodeDefinition {
  return {
    ...chaincode,
    sequence: 1,
    endorsementPolicy: outOfPolicy(policy.needed, policy.endorsers, msp.MSPRole.MSPRoleType.PEER),
    collections: undefined,
    initRequired: false,
  };
}

/** The policy of a definition as the message it is on the wire. */
export function applicationPolicyOf({ endorsementPolicy }: ChaincodeDefinition): peer.ApplicationPolicy {
  if (endorsementPolicy instanceof Uint8Array) return parseMessage(peer.ApplicationPolicy, endorsementPolicy);
  const policy = new peer.ApplicationPolicy();
  policy.setSignaturePolicy(endorsementPolicy);
  return policy;
}
