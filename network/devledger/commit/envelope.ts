import { hash } from 'node:crypto';
import { common, peer } from '@hyperledger/fabric-protos';
import { parseMessage } from '../wire/parse-message.js';

const { TxValidationCode } = peer;

/** Why a transaction cannot be valid: one of Fabric's TxValidationCode. */
export interface Rejected {
  readonly rejected: number;
  /** The transaction's id, where the creator has signed for it and it is derived from the creator. */
  readonly txId?: string;
}

/** Envelope and headers of one transaction, taken apart; nothing is verified yet. */
export interface ParsedEnvelope {
  /** What the creator signed. */
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** common.HeaderType */
  readonly type: number;
  readonly channel: string;
  readonly txId: string;
  /** The client's claim, which endorsers held to their own clocks. */
  readonly timestampMs: number;
  readonly channelHeader: Uint8Array;
  readonly headerExtension: Uint8Array;
  readonly signatureHeader: Uint8Array;
  readonly creator: Uint8Array;
  readonly nonce: Uint8Array;
  /** Serialised peer.Transaction, for an endorsed transaction. */
  readonly data: Uint8Array;
}

/**
 * @see Fabric core/common/validation/msgvalidation.go, ValidateTransaction
 */
export function parseEnvelope(bytes: Uint8Array): ParsedEnvelope | Rejected {
  if (bytes.length === 0) return { rejected: TxValidationCode.NIL_ENVELOPE };
  const envelope = decoded(() => parseMessage(common.Envelope, bytes));
  if (envelope === undefined) return { rejected: TxValidationCode.INVALID_OTHER_REASON };
  const payloadBytes = envelope.getPayload_asU8();
  const payload = decoded(() => parseMessage(common.Payload, payloadBytes));
  if (payload === undefined) return { rejected: TxValidationCode.BAD_PAYLOAD };
  const header = payload.getHeader();
  const headers = header === undefined ? undefined : decoded(() => parseHeaders(header));
  if (headers === undefined) return { rejected: TxValidationCode.BAD_COMMON_HEADER };
  return {
    payload: payloadBytes,
    signature: envelope.getSignature_asU8(),
    ...headers,
    data: payload.getData_asU8(),
  };
}

/** Transaction ids are derived, never chosen: hex SHA-256 over nonce and creator. */
export function computeTxId(nonce: Uint8Array, creator: Uint8Array): string {
  return hash('sha256', Buffer.concat([nonce, creator]), 'hex');
}

/** Runs a decoder of bytes that somebody else made. */
export function decoded<Message>(decode: () => Message): Message | undefined {
  try {
    return decode();
  } catch {
    // Every failure of a protobuf decoder means the same here: these bytes are not that message.
    return undefined;
  }
}

type Headers = Omit<ParsedEnvelope, 'payload' | 'signature' | 'data'>;

function parseHeaders(header: common.Header): Headers | undefined {
  const channelHeaderBytes = header.getChannelHeader_asU8();
  const signatureHeaderBytes = header.getSignatureHeader_asU8();
  const channelHeader = parseMessage(common.ChannelHeader, channelHeaderBytes);
  const signatureHeader = parseMessage(common.SignatureHeader, signatureHeaderBytes);
  const timestamp = channelHeader.getTimestamp();
  const headers = {
    type: channelHeader.getType(),
    channel: channelHeader.getChannelId(),
    txId: channelHeader.getTxId(),
    timestampMs: (timestamp?.getSeconds() ?? 0) * 1000 + Math.floor((timestamp?.getNanos() ?? 0) / 1_000_000),
    channelHeader: channelHeaderBytes,
    headerExtension: channelHeader.getExtension_asU8(),
    signatureHeader: signatureHeaderBytes,
    creator: signatureHeader.getCreator_asU8(),
    nonce: signatureHeader.getNonce_asU8(),
  };
  const complete = headers.creator.length > 0 && headers.nonce.length > 0 && channelHeader.getEpoch() === 0;
  return complete && KNOWN_TYPES.has(headers.type) ? headers : undefined;
}

const KNOWN_TYPES = new Set<number>([
  common.HeaderType.ENDORSER_TRANSACTION,
  common.HeaderType.CONFIG,
  common.HeaderType.CONFIG_UPDATE,
]);
