import { msp, type peer } from '@hyperledger/fabric-protos';
import { compileSignaturePolicy, outOfPolicy, type Policy, type PolicySigner } from './signature-policy.js';

/** A private data collection of one chaincode, its policies ready to be asked. */
export interface CollectionRules {
  readonly name: string;
  readonly isMember: (signer: PolicySigner) => boolean;
  readonly memberOnlyRead: boolean;
  readonly memberOnlyWrite: boolean;
  /** Other peers that must have the data before a peer endorses. */
  readonly requiredPeerCount: number;
  /** Other peers that get the data before the transaction is in a block. */
  readonly maximumPeerCount: number;
  /** Blocks after which the data is gone; 0 for never. */
  readonly blockToLive: number;
  /** Undefined: the chaincode's. */
  readonly endorsementPolicy: peer.ApplicationPolicy | undefined;
  readonly isImplicit: boolean;
}

const IMPLICIT_PREFIX = '_implicit_org_';

/** MSP id of the organisation whose implicit collection this is; undefined for any other name. */
export function implicitCollectionOwner(collection: string): string | undefined {
  return collection.startsWith(IMPLICIT_PREFIX) ? collection.slice(IMPLICIT_PREFIX.length) : undefined;
}

/** @throws RangeError the policy that names the members is none */
export function collectionRules(config: peer.StaticCollectionConfig): CollectionRules {
  const members = config.getMemberOrgsPolicy()?.getSignaturePolicy();
  if (members === undefined) throw new RangeError(`Collection ${config.getName()} does not say who its members are.`);
  const isMember = compileSignaturePolicy(members);
  return {
    name: config.getName(),
    isMember: (signer) => isMember([signer]),
    memberOnlyRead: config.getMemberOnlyRead(),
    memberOnlyWrite: config.getMemberOnlyWrite(),
    requiredPeerCount: config.getRequiredPeerCount(),
    maximumPeerCount: config.getMaximumPeerCount(),
    blockToLive: config.getBlockToLive(),
    endorsementPolicy: config.getEndorsementPolicy(),
    isImplicit: false,
  };
}

/**
 * The collection that every organisation has in every chaincode, without anybody defining it.
 *
 * @see Fabric core/chaincode/lifecycle/deployedcc_infoprovider.go, GenerateImplicitCollectionForOrg
 */
export function implicitCollection(mspId: string): CollectionRules {
  const members: Policy = compileSignaturePolicy(outOfPolicy(1, [mspId], msp.MSPRole.MSPRoleType.MEMBER));
  return {
    name: `${IMPLICIT_PREFIX}${mspId}`,
    isMember: (signer) => members([signer]),
    memberOnlyRead: false,
    memberOnlyWrite: false,
    requiredPeerCount: 0,
    maximumPeerCount: 0,
    blockToLive: 0,
    endorsementPolicy: undefined,
    isImplicit: true,
  };
}

export function staticCollections(
  collections: peer.CollectionConfigPackage | undefined,
): peer.StaticCollectionConfig[] {
  return (collections?.getConfigList() ?? []).flatMap((config) => config.getStaticCollectionConfig() ?? []);
}
