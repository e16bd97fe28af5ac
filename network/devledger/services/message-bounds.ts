import { status } from '@grpc/grpc-js';
import { FIELDS_MAX, type MessageType, parseMessage } from '../wire/parse-message.js';
import { FIXED_32, FIXED_64, GROUP_END, LENGTH_DELIMITED, VARINT } from '../wire/wire-cursor.js';
import { messageOf, RpcError } from './rpc-error.js';

/**
 * Which fields of a message hold messages themselves, by field number, as far as somebody on the way to the ledger takes
 * them apart; others are bytes, text or numbers.
 */
export interface MessageShape {
  readonly [fieldNumber: number]: MessageShape;
}

const LEAF: MessageShape = {};
const SIGNATURE_HEADER: MessageShape = { 1: LEAF };
const HEADER: MessageShape = { 1: { 7: LEAF }, 2: SIGNATURE_HEADER };
const PROPOSAL_PAYLOAD: MessageShape = { 1: { 1: { 3: LEAF } } };
/** protos.SignedProposal. */
export const SIGNED_PROPOSAL: MessageShape = { 1: { 1: HEADER, 2: PROPOSAL_PAYLOAD } };
const KV_SET: MessageShape = { 1: { 2: LEAF }, 2: { 4: { 1: { 2: LEAF } } }, 3: LEAF, 4: { 2: LEAF } };
const HASHED_SET: MessageShape = { 2: { 1: { 2: LEAF }, 2: LEAF, 3: { 2: LEAF } } };
const RESULTS: MessageShape = { 2: { 2: KV_SET, 3: HASHED_SET } };
const ENDORSED_ACTION: MessageShape = { 1: { 2: { 1: RESULTS, 2: LEAF } }, 2: { 1: LEAF } };
const TRANSACTION: MessageShape = { 1: { 1: SIGNATURE_HEADER, 2: { 1: PROPOSAL_PAYLOAD, 2: ENDORSED_ACTION } } };

/** Of a query of the discovery service: chaincodes with their key policies. */
const INTERESTS: MessageShape = { 1: { 1: { 5: { 2: { 2: LEAF }, 3: LEAF } } } };

/** gateway.EvaluateRequest and gateway.EndorseRequest. */
export const PROPOSED_SHAPE: MessageShape = { 3: SIGNED_PROPOSAL };
/** common.Envelope with a transaction. */
export const ENVELOPE_SHAPE: MessageShape = { 1: { 1: HEADER, 2: TRANSACTION } };
/** What lies in the message is not looked at. */
export const OUTSIDE_ONLY: MessageShape = {};
/** gateway.SubmitRequest. */
export const SUBMIT_SHAPE: MessageShape = { 3: ENVELOPE_SHAPE };
/** The same, where what lies in the envelope is not looked at. */
export const ENVELOPE_ONLY: MessageShape = { 3: LEAF };
/** gateway.SignedCommitStatusRequest and gateway.SignedChaincodeEventsRequest. */
export const SIGNED_REQUEST_SHAPE: MessageShape = { 1: LEAF };
/** discovery.SignedRequest. */
export const DISCOVERY_SHAPE: MessageShape = { 1: { 1: LEAF, 2: { 3: INTERESTS, 4: INTERESTS } } };
/** discovery.Request. */
export const DISCOVERY_PAYLOAD_SHAPE: MessageShape = { 1: LEAF, 2: { 3: INTERESTS, 4: INTERESTS } };
/** protos.ChaincodeMessage. */
export const CHAINCODE_SHAPE: MessageShape = { 5: SIGNED_PROPOSAL };
/** common.Envelope with orderer.SeekInfo. */
export const SEEK_SHAPE: MessageShape = { 1: { 1: HEADER, 2: LEAF } };

const NO_REQUEST = 'grpc: error unmarshalling request';
/** What grpc-go says of a message on a stream. */
export const NO_STREAM_MESSAGE = 'grpc: failed to unmarshal the received message';

/**
 * Parses what a client sent, once it is known to be worth it.
 *
 * @throws RpcError RESOURCE_EXHAUSTED for too many fields; INTERNAL for what is no such message, as grpc-go says it
 */
export function parseBounded<Message>(
  bytes: Uint8Array,
  shape: MessageShape,
  type: MessageType<Message>,
  complaint: string = NO_REQUEST,
): Message {
  requireFewFields(bytes, shape);
  try {
    return parseMessage(type, bytes);
  } catch (error) {
    throw new RpcError(status.INTERNAL, `${complaint}: ${messageOf(error)}`);
  }
}

/**
 * Parsing happens at once, on the thread that serves everybody, and costs by the field rather than by the byte: 32 MB of
 * empty strings take seconds. Counting stops at the bound, so that it costs next to nothing. What is no message is left
 * to the parser to say.
 *
 * @throws RpcError RESOURCE_EXHAUSTED
 */
export function requireFewFields(bytes: Uint8Array, shape: MessageShape): void {
  count({ bytes, at: 0, end: bytes.length }, shape, { fields: 0 });
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

function count(cursor: Cursor, shape: MessageShape, seen: { fields: number }): void {
  while (cursor.at < cursor.end) {
    seen.fields += 1;
    if (seen.fields > FIELDS_MAX) {
      const tooMany = `the message has more than ${FIELDS_MAX} fields: send less at once`;
      throw new RpcError(status.RESOURCE_EXHAUSTED, tooMany);
    }
    const tag = varint(cursor);
    const lengthBytes = valueLength(cursor, tag & 7);
    if (lengthBytes === undefined || cursor.at + lengthBytes > cursor.end) return;
    const inner = (tag & 7) === LENGTH_DELIMITED ? shape[tag >>> 3] : undefined;
    const { bytes, at } = cursor;
    if (inner !== undefined) count({ bytes, at, end: at + lengthBytes }, inner, seen);
    cursor.at += lengthBytes;
  }
}

/** Of what follows a tag; undefined where there is no such type. A group is the fields up to its end. */
function valueLength(cursor: Cursor, type: number): number | undefined {
  if (type === VARINT) varint(cursor);
  if (type === LENGTH_DELIMITED) return varint(cursor);
  if (type === FIXED_64) return 8;
  if (type === FIXED_32) return 4;
  return type <= GROUP_END ? 0 : undefined;
}

/** Good for 32 bits: no tag and no length has more. */
function varint(cursor: Cursor): number {
  let value = 0;
  for (let shift = 0; cursor.at < cursor.end; shift += 7) {
    const byte = cursor.bytes[cursor.at] ?? 0;
    cursor.at += 1;
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value >>> 0;
}
