import { common, msp } from '@hyperledger/fabric-protos';
import type { MspDefinition } from '../msp.js';
import { encodeBlock, orderedMetadata } from './block-codec.js';
import { blockDataHash } from './block-hash.js';

export interface ChannelDefinition {
  readonly channel: string;
  readonly msps: readonly MspDefinition[];
}

/**
 * Block 0: who the members of the channel are. Made from the definition alone, without time or chance, so that the
 * orderer and every peer make the same one for themselves.
 *
 * @returns serialised common.Block, as the orderer hands it out
 */
export function genesisBlock(definition: ChannelDefinition): Uint8Array {
  const envelope = configEnvelope(definition);
  return encodeBlock({
    number: 0,
    previousHash: new Uint8Array(),
    dataHash: blockDataHash([envelope]),
    envelopes: [envelope],
    metadata: orderedMetadata(new Uint8Array()),
  });
}

function configEnvelope(definition: ChannelDefinition): Uint8Array {
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.CONFIG);
  channelHeader.setChannelId(definition.channel);
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  header.setSignatureHeader(new common.SignatureHeader().serializeBinary());
  const config = new common.Config();
  config.setChannelGroup(channelGroup(definition.msps));
  const configuration = new common.ConfigEnvelope();
  configuration.setConfig(config);
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(configuration.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  return envelope.serializeBinary();
}

/** Fabric's path of an organisation's certificates: Channel / Application / organisation / MSP. */
function channelGroup(msps: readonly MspDefinition[]): common.ConfigGroup {
  const application = new common.ConfigGroup();
  application.setModPolicy('Admins');
  for (const definition of msps) application.getGroupsMap().set(definition.mspId, organisationGroup(definition));
  const channel = new common.ConfigGroup();
  channel.setModPolicy('Admins');
  channel.getGroupsMap().set('Application', application);
  return channel;
}

function organisationGroup(definition: MspDefinition): common.ConfigGroup {
  const value = new common.ConfigValue();
  value.setModPolicy('Admins');
  value.setValue(mspConfig(definition));
  const group = new common.ConfigGroup();
  group.setModPolicy('Admins');
  group.getValuesMap().set('MSP', value);
  return group;
}

function mspConfig({ mspId, caCertPems }: MspDefinition): Uint8Array {
  const nodeOus = new msp.FabricNodeOUs();
  nodeOus.setEnable(true);
  nodeOus.setClientOuIdentifier(ouIdentifier('client'));
  nodeOus.setPeerOuIdentifier(ouIdentifier('peer'));
  nodeOus.setAdminOuIdentifier(ouIdentifier('admin'));
  nodeOus.setOrdererOuIdentifier(ouIdentifier('orderer'));
  const fabricConfig = new msp.FabricMSPConfig();
  fabricConfig.setName(mspId);
  fabricConfig.setRootCertsList(caCertPems.map((pem) => Buffer.from(pem, 'utf8')));
  fabricConfig.setFabricNodeOus(nodeOus);
  const config = new msp.MSPConfig();
  config.setConfig(fabricConfig.serializeBinary());
  return config.serializeBinary();
}

function ouIdentifier(ou: string): msp.FabricOUIdentifier {
  const identifier = new msp.FabricOUIdentifier();
  identifier.setOrganizationalUnitIdentifier(ou);
  return identifier;
}
