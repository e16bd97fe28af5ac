import { common } from '@hyperledger/fabric-protos';
import { encodeBlock, orderedMetadata } from './block-codec.js';
import { blockDataHash } from './block-hash.js';
import { type ChannelMembers, channelGroup } from './channel-group.js';
import { unsignedSeal } from './ordering-section.js';

export interface ChannelDefinition extends ChannelMembers {
  readonly channel: string;
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
    metadata: definition.ordering === undefined ? orderedMetadata(new Uint8Array()) : unsignedSeal(),
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
  config.setChannelGroup(channelGroup(definition));
  const configuration = new common.ConfigEnvelope();
  configuration.setConfig(config);
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(configuration.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  return envelope.serializeBinary();
}
