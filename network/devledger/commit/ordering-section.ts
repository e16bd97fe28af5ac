import { common, msp, orderer } from '@hyperledger/fabric-protos';
import type { MspDefinition } from '../msp.js';
import { sealedMetadata } from './block-codec.js';
import { configIn } from './channel-config.js';
import { capabilities, group, implicit, mspConfig, setPolicies, signature } from './config-group.js';
import { decoded } from './envelope.js';
import { parseMessage } from '../wire/parse-message.js';

/** What block 0 says of the ordering service. */
export interface OrderingSection {
  readonly msp: MspDefinition;
  readonly terms: OrderingTerms;
}

/**
 * What of it may be something else by now, as the channel is not updated: clients are told where orderers are, and how
 * blocks are cut, as it was when the channel was made.
 */
export interface OrderingTerms {
  /** host:port */
  readonly endpoints: readonly string[];
  readonly timeoutMs: number;
  readonly maxMessageCount: number;
  readonly preferredMaxBytes: number;
}

const { ADMIN, ORDERER } = msp.MSPRole.MSPRoleType;
const { ANY, MAJORITY } = common.ImplicitMetaPolicy.Rule;
const ABSOLUTE_MAX_BYTES = 16 * 1024 * 1024;
const GROUP = 'Orderer';

/** Blocks are valid by one orderer's signature: BlockValidation asks for any Writers, who are the orderers. */
export function orderingGroup({ msp: definition, terms }: OrderingSection): common.ConfigGroup {
  const ordering = group({
    ConsensusType: consensusType(),
    BatchSize: batchSize(terms),
    BatchTimeout: batchTimeout(terms),
    ChannelRestrictions: new orderer.ChannelRestrictions(),
    Capabilities: capabilities('V2_0'),
  });
  setPolicies(ordering, {
    Readers: implicit(ANY, 'Readers'),
    Writers: implicit(ANY, 'Writers'),
    Admins: implicit(MAJORITY, 'Admins'),
    BlockValidation: implicit(ANY, 'Writers'),
  });
  ordering.getGroupsMap().set(definition.mspId, organisationGroup(definition, terms));
  return ordering;
}

/**
 * Reads the terms out of a block 0.
 *
 * @returns undefined when it has no ordering service: its blocks are not signed
 */
export function termsOf(genesisEnvelope: Uint8Array): OrderingTerms | undefined {
  return decoded(() => readTerms(genesisEnvelope));
}

/** As configtxgen leaves the metadata of block 0: it has a last block of configuration, itself, and no signature. */
export function unsignedSeal(): Uint8Array[] {
  const signatures = new common.Metadata();
  signatures.setValue(ordererBlockMetadata(undefined));
  return sealedMetadata({ signatures, lastConfig: lastConfig().serializeBinary() });
}

/**
 * What orderers sign together with the header: the last block of configuration, which is block 0, and what they keep
 * for themselves.
 */
export function ordererBlockMetadata(ordererValue: Uint8Array | undefined): Uint8Array {
  const metadata = new common.OrdererBlockMetadata();
  metadata.setLastConfig(lastConfig());
  if (ordererValue !== undefined) {
    const kept = new common.Metadata();
    kept.setValue(ordererValue);
    metadata.setConsenterMetadata(kept.serializeBinary());
  }
  return metadata.serializeBinary();
}

/** Block 0. */
export function lastConfig(): common.LastConfig {
  return new common.LastConfig();
}

function organisationGroup(definition: MspDefinition, { endpoints }: OrderingTerms): common.ConfigGroup {
  const addresses = new common.OrdererAddresses();
  addresses.setAddressesList([...endpoints]);
  const organisation = group({ MSP: mspConfig(definition), Endpoints: addresses });
  const of = [definition.mspId];
  setPolicies(organisation, {
    Readers: signature(1, of, [ADMIN, ORDERER]),
    Writers: signature(1, of, [ORDERER]),
    Admins: signature(1, of, [ADMIN]),
  });
  return organisation;
}

/** Fabric's old name for one orderer that has nobody to agree with. */
function consensusType(): orderer.ConsensusType {
  const type = new orderer.ConsensusType();
  type.setType('solo');
  return type;
}

function batchSize({ maxMessageCount, preferredMaxBytes }: OrderingTerms): orderer.BatchSize {
  const size = new orderer.BatchSize();
  size.setMaxMessageCount(maxMessageCount);
  size.setAbsoluteMaxBytes(ABSOLUTE_MAX_BYTES);
  size.setPreferredMaxBytes(preferredMaxBytes);
  return size;
}

function batchTimeout({ timeoutMs }: OrderingTerms): orderer.BatchTimeout {
  const timeout = new orderer.BatchTimeout();
  timeout.setTimeout(`${timeoutMs}ms`);
  return timeout;
}

function readTerms(genesisEnvelope: Uint8Array): OrderingTerms | undefined {
  const ordering = configIn(genesisEnvelope)?.getChannelGroup()?.getGroupsMap().get(GROUP);
  if (ordering === undefined) return undefined;
  const size = parseMessage(orderer.BatchSize, valueIn(ordering, 'BatchSize'));
  const timeout = parseMessage(orderer.BatchTimeout, valueIn(ordering, 'BatchTimeout')).getTimeout();
  return {
    endpoints: organisationsOf(ordering).flatMap((organisation) =>
      parseMessage(common.OrdererAddresses, valueIn(organisation, 'Endpoints')).getAddressesList(),
    ),
    timeoutMs: Number.parseInt(timeout, 10),
    maxMessageCount: size.getMaxMessageCount(),
    preferredMaxBytes: size.getPreferredMaxBytes(),
  };
}

function organisationsOf(ordering: common.ConfigGroup): common.ConfigGroup[] {
  const groups = ordering.getGroupsMap();
  return [...groups.keys()].flatMap((name: string) => groups.get(name) ?? []);
}

function valueIn(from: common.ConfigGroup, name: string): Uint8Array {
  return from.getValuesMap().get(name)?.getValue_asU8() ?? new Uint8Array();
}
