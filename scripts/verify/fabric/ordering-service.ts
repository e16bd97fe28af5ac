import { common, msp, orderer } from '@hyperledger/fabric-protos';
import { decoded } from '../../../network/devledger/commit/envelope.js';
import type { OrderingService } from '../../../network/devledger/commit/orderer-signatures.js';
import { parseMessage } from '../../../network/devledger/wire/parse-message.js';

/** What a block of configuration says of the orderers. @returns undefined for other blocks */
export function orderingServiceOf(configData: Uint8Array): OrderingService | undefined {
  const config = decoded(() => common.ConfigEnvelope.deserializeBinary(configData))?.getConfig();
  const values = config?.getChannelGroup()?.getGroupsMap().get('Orderer')?.getValuesMap();
  if (values === undefined) return undefined;
  const type = settingOf(values.get('ConsensusType'), (bytes) => parseMessage(orderer.ConsensusType, bytes));
  const orderers = settingOf(values.get('Orderers'), (bytes) => parseMessage(common.Orderers, bytes));
  const consenters = (orderers?.getConsenterMappingList() ?? []).map((consenter) => {
    const identity = new msp.SerializedIdentity();
    identity.setMspid(consenter.getMspId());
    identity.setIdBytes(consenter.getIdentity_asU8());
    return [consenter.getId(), identity.serializeBinary()] as const;
  });
  return { isBft: type?.getType() === 'BFT', consenters: new Map(consenters) };
}

function settingOf<Message>(
  value: common.ConfigValue | undefined,
  read: (bytes: Uint8Array) => Message,
): Message | undefined {
  return value && decoded(() => read(value.getValue_asU8()));
}
