import { msp, peer } from '@hyperledger/fabric-protos';
import { type ChaincodeDefinition, plainDefinition } from '../../network/devledger/commit/chaincode-definition.js';
import { outOfPolicy } from '../../network/devledger/commit/signature-policy.js';
import type { Topology } from '../../network/topology.js';
import { HOSPITAL_A, HOSPITAL_B } from './ledger-under-test.js';

/** A collection of the conformance chaincode, in the words that both ledgers are told it in. */
export interface ConformanceCollection {
  readonly name: string;
  readonly members: readonly string[];
  readonly requiredPeerCount: number;
  readonly maxPeerCount: number;
  readonly blockToLive: number;
  readonly memberOnly: boolean;
  /** One peer of each; the chaincode's policy where left out. */
  readonly endorsers?: readonly string[];
}

const HOSPITALS = {
  members: [HOSPITAL_A, HOSPITAL_B],
  requiredPeerCount: 0,
  maxPeerCount: 2,
  blockToLive: 0,
  memberOnly: false,
};

export const COLLECTIONS: readonly ConformanceCollection[] = [
  { name: 'hospitals', ...HOSPITALS },
  { name: 'closed', ...HOSPITALS, memberOnly: true },
  { name: 'fleeting', ...HOSPITALS, blockToLive: 2 },
  { name: 'by-one', ...HOSPITALS, endorsers: [HOSPITAL_A] },
  { name: 'demanding', ...HOSPITALS, requiredPeerCount: 2 },
  { name: 'alone', ...HOSPITALS, members: [HOSPITAL_B], maxPeerCount: 1 },
];

/** As Fabric's `peer` program reads it. */
export function collectionJson(collection: ConformanceCollection): object {
  const { name, members, requiredPeerCount, maxPeerCount, blockToLive, memberOnly, endorsers } = collection;
  return {
    name,
    policy: `OR(${members.map((mspId) => `'${mspId}.member'`).join(', ')})`,
    requiredPeerCount,
    maxPeerCount,
    blockToLive,
    memberOnlyRead: memberOnly,
    memberOnlyWrite: memberOnly,
    ...(endorsers === undefined
      ? {}
      : { endorsementPolicy: { signaturePolicy: `AND(${endorsers.map((mspId) => `'${mspId}.peer'`).join(', ')})` } }),
  };
}

export function conformanceDefinition({ chaincode, organisations, endorsementsNeeded }: Topology): ChaincodeDefinition {
  const endorsers = organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
  const collections = new peer.CollectionConfigPackage();
  collections.setConfigList(COLLECTIONS.map(collectionMessage));
  return { ...plainDefinition(chaincode, { endorsers, needed: endorsementsNeeded }), collections };
}

function collectionMessage(collection: ConformanceCollection): peer.CollectionConfig {
  const { MEMBER, PEER } = msp.MSPRole.MSPRoleType;
  const config = new peer.StaticCollectionConfig();
  config.setName(collection.name);
  const members = new peer.CollectionPolicyConfig();
  members.setSignaturePolicy(outOfPolicy(1, collection.members, MEMBER));
  config.setMemberOrgsPolicy(members);
  config.setRequiredPeerCount(collection.requiredPeerCount);
  config.setMaximumPeerCount(collection.maxPeerCount);
  config.setBlockToLive(collection.blockToLive);
  config.setMemberOnlyRead(collection.memberOnly);
  config.setMemberOnlyWrite(collection.memberOnly);
  if (collection.endorsers !== undefined) {
    const policy = new peer.ApplicationPolicy();
    policy.setSignaturePolicy(outOfPolicy(collection.endorsers.length, collection.endorsers, PEER));
    config.setEndorsementPolicy(policy);
  }
  const message = new peer.CollectionConfig();
  message.setStaticCollectionConfig(config);
  return message;
}
