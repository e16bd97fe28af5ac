import { status } from '@grpc/grpc-js';
import { common, gateway } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import { StoreError } from '../store/ledger-errors.js';
import type { AccessPolicy } from './access-policy.js';
import { messageOf, RpcError } from './rpc-error.js';
import { parseMessage } from '../wire/parse-message.js';

export interface TransactionOrderer {
  /** Resolves when the envelope will be in a block whatever happens. */
  submit(envelope: Uint8Array): Promise<void>;
}

export interface SubmitOptions {
  readonly channel: string;
  readonly orderer: TransactionOrderer;
  readonly access: AccessPolicy;
  readonly envelopeSizeMaxBytes: number;
  readonly log: Logger;
}

/**
 * Hands a signed transaction to the orderer, which checks form, size and the creator's signature before it takes it.
 * Answered when the orderer holds it durably, not when it is committed.
 *
 * @throws RpcError
 * @see Fabric internal/pkg/gateway/submit.go, orderer/common/broadcast/broadcast.go
 */
export async function submit(request: gateway.SubmitRequest, options: SubmitOptions): Promise<gateway.SubmitResponse> {
  const envelope = request.getPreparedTransaction();
  if (envelope === undefined) throw new RpcError(status.INVALID_ARGUMENT, 'a prepared transaction is required');
  if (envelope.getSignature_asU8().length === 0) {
    throw new RpcError(status.INVALID_ARGUMENT, 'prepared transaction must be signed');
  }
  if (request.getChannelId() !== options.channel) {
    throw new RpcError(
      status.FAILED_PRECONDITION,
      `failed to get config for channel [${request.getChannelId()}]: it is not known`,
    );
  }
  const bytes = envelope.serializeBinary();
  checkEnvelope(envelope, options);
  try {
    await options.orderer.submit(bytes);
  } catch (error) {
    options.log.error({ txId: request.getTransactionId(), error: messageOf(error) }, 'the orderer took nothing');
    const code = error instanceof StoreError && error.diskFull ? status.RESOURCE_EXHAUSTED : status.UNAVAILABLE;
    throw new RpcError(code, 'no orderers could successfully process transaction', [
      { address: 'orderer', mspId: 'OrdererMSP', message: messageOf(error) },
    ]);
  }
  return new gateway.SubmitResponse();
}

function checkEnvelope(envelope: common.Envelope, options: SubmitOptions): void {
  const sizeBytes = envelope.getPayload_asU8().length + envelope.getSignature_asU8().length;
  if (sizeBytes > options.envelopeSizeMaxBytes) {
    throw refused(
      'BAD_REQUEST',
      `message payload is ${sizeBytes} bytes and exceeds maximum allowed ${options.envelopeSizeMaxBytes} bytes`,
    );
  }
  const { channel, creator } = readHeader(envelope);
  if (channel !== options.channel) throw refused('BAD_REQUEST', `channel '${channel}' is not served by this orderer`);
  if (options.access.isOfEndedCertificate(creator)) throw refused('BAD_REQUEST', 'broadcast client identity expired');
  try {
    options.access.verifyWriter({
      identity: creator,
      data: envelope.getPayload_asU8(),
      signature: envelope.getSignature_asU8(),
    });
  } catch (error) {
    options.log.warn({ reason: messageOf(error) }, 'transaction refused by the orderer');
    throw refused(
      'FORBIDDEN',
      "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' " +
        'sub-policies to be satisfied: permission denied',
    );
  }
}

function readHeader(envelope: common.Envelope): { channel: string; creator: Uint8Array } {
  try {
    const header = parseMessage(common.Payload, envelope.getPayload_asU8()).getHeader();
    if (header === undefined) throw new Error('envelope has no header');
    return {
      channel: parseMessage(common.ChannelHeader, header.getChannelHeader_asU8()).getChannelId(),
      creator: parseMessage(common.SignatureHeader, header.getSignatureHeader_asU8()).getCreator_asU8(),
    };
  } catch (error) {
    throw refused('BAD_REQUEST', `could not determine channel ID: ${messageOf(error)}`);
  }
}

function refused(ordererStatus: string, info: string): RpcError {
  return new RpcError(
    status.ABORTED,
    `received unsuccessful response from orderer: status=${ordererStatus}, info=${info}`,
  );
}
