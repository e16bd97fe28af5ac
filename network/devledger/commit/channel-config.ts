import { common } from '@hyperledger/fabric-protos';
import { parseMessage } from '../wire/parse-message.js';

/**
 * The channel's configuration out of the envelope in block 0. The ledger has made it itself; others' bytes are for
 * `parseMessage`, which knows none of its maps of messages.
 *
 * @throws Error when it is none
 */
export function configIn(envelope: Uint8Array): common.Config | undefined {
  const payload = parseMessage(common.Payload, parseMessage(common.Envelope, envelope).getPayload_asU8());
  return common.ConfigEnvelope.deserializeBinary(payload.getData_asU8()).getConfig();
}
