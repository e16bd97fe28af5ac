import { type MessageType, parseMessage } from '../wire/parse-message.js';
import { WireError } from '../wire/wire-cursor.js';

/**
 * What a chaincode asks for within a transaction.
 *
 * @throws WireError in the words that Fabric's peer has for it (core/chaincode/handler.go)
 */
export function parseRequest<Message>(type: MessageType<Message>, payload: Uint8Array): Message {
  try {
    return parseMessage(type, payload);
  } catch (error) {
    if (error instanceof WireError) throw new WireError(`unmarshal failed: ${error.message}`);
    throw error;
  }
}
