import { status } from '@grpc/grpc-js';
import { gateway } from '@hyperledger/fabric-protos';
import { StoreError } from '../store/ledger-errors.js';
import { type EnvelopeChecks, findRefusal } from './envelope-checks.js';
import { messageOf, RpcError } from './rpc-error.js';

export interface TransactionOrderer {
  /** Resolves when the envelope will be in a block whatever happens. */
  submit(envelope: Uint8Array): Promise<void>;
}

export interface SubmitOptions extends EnvelopeChecks {
  readonly orderer: TransactionOrderer;
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
  const refusal = findRefusal(envelope, options);
  if (refusal !== undefined) throw refused(refusal.status, refusal.info);
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

function refused(ordererStatus: string, info: string): RpcError {
  return new RpcError(
    status.ABORTED,
    `received unsuccessful response from orderer: status=${ordererStatus}, info=${info}`,
  );
}
