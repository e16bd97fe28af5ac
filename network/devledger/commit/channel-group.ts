import { common, msp } from '@hyperledger/fabric-protos';
import type { MspDefinition } from '../msp.js';
import type { EndorsementPolicy } from './chaincode-definition.js';
import { capabilities, group, implicit, mspConfig, setPolicies, signature } from './config-group.js';
import { orderingGroup, type OrderingSection } from './ordering-section.js';

const { MSPRoleType } = msp.MSPRole;
const { ANY, MAJORITY } = common.ImplicitMetaPolicy.Rule;
const ADMINS = 'Admins';

export interface ChannelMembers {
  readonly msps: readonly MspDefinition[];
  /** /Channel/Application/Endorsement. */
  readonly policy: EndorsementPolicy;
  /** Left out of ledgers that were made before orderers signed. */
  readonly ordering?: OrderingSection | undefined;
}

/**
 * The channel as a configuration: its members with their certificates, and who may do what, by the names and in the
 * places where clients of Fabric look for them.
 *
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/configtx.html
 */
export function channelGroup({ msps, policy, ordering }: ChannelMembers): common.ConfigGroup {
  const channel = group({
    HashingAlgorithm: named(new common.HashingAlgorithm(), 'SHA256'),
    BlockDataHashingStructure: hashingStructure(),
    Capabilities: capabilities('V3_0'),
  });
  setPolicies(channel, {
    Readers: implicit(ANY, 'Readers'),
    Writers: implicit(ANY, 'Writers'),
    Admins: implicit(MAJORITY, ADMINS),
  });
  channel.getGroupsMap().set('Application', applicationGroup(msps, policy));
  if (ordering !== undefined) channel.getGroupsMap().set('Orderer', orderingGroup(ordering));
  return channel;
}

function applicationGroup(msps: readonly MspDefinition[], policy: EndorsementPolicy): common.ConfigGroup {
  const application = group({ Capabilities: capabilities('V2_5') });
  const majority = Math.floor(policy.endorsers.length / 2) + 1;
  setPolicies(application, {
    Readers: implicit(ANY, 'Readers'),
    Writers: implicit(ANY, 'Writers'),
    Admins: signature(majority, policy.endorsers, [MSPRoleType.ADMIN]),
    LifecycleEndorsement: signature(majority, policy.endorsers, [MSPRoleType.PEER]),
    Endorsement: signature(policy.needed, policy.endorsers, [MSPRoleType.PEER]),
  });
  for (const definition of msps) {
    const organisation = organisationGroup(definition, policy.endorsers.includes(definition.mspId));
    application.getGroupsMap().set(definition.mspId, organisation);
  }
  return application;
}

function organisationGroup(definition: MspDefinition, hasPeer: boolean): common.ConfigGroup {
  const { ADMIN, PEER, CLIENT } = MSPRoleType;
  const organisation = group({ MSP: mspConfig(definition) });
  const of = [definition.mspId];
  setPolicies(organisation, {
    Readers: signature(1, of, [ADMIN, PEER, CLIENT]),
    Writers: signature(1, of, [ADMIN, CLIENT]),
    Admins: signature(1, of, [ADMIN]),
    ...(hasPeer ? { Endorsement: signature(1, of, [PEER]) } : {}),
  });
  return organisation;
}

function named(message: common.HashingAlgorithm, name: string): common.HashingAlgorithm {
  message.setName(name);
  return message;
}

function hashingStructure(): common.BlockDataHashingStructure {
  const structure = new common.BlockDataHashingStructure();
  // So wide that the tree is one node: the hash over all transactions, one behind the other.
  structure.setWidth(0xffff_ffff);
  return structure;
}
