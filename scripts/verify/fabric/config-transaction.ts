import { common } from '@hyperledger/fabric-protos';
import { decoded } from '../../../network/devledger/commit/envelope.js';

/**
 * The configuration that a transaction of a block sets. The channel's first one has no creator and no signature, which
 * makes it unreadable to whatever reads transactions.
 *
 * @param bytes - common.Envelope
 * @returns serialised common.ConfigEnvelope; undefined for any other transaction
 */
export function configDataOf(bytes: Uint8Array): Uint8Array | undefined {
  const payload = decoded(() =>
    common.Payload.deserializeBinary(common.Envelope.deserializeBinary(bytes).getPayload_asU8()),
  );
  const header = payload?.getHeader()?.getChannelHeader_asU8();
  const type = header && decoded(() => common.ChannelHeader.deserializeBinary(header).getType());
  return type === common.HeaderType.CONFIG ? payload?.getData_asU8() : undefined;
}
