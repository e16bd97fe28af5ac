import { Metadata, type ServerErrorResponse, status } from '@grpc/grpc-js';
import { gateway, google } from '@hyperledger/fabric-protos';

/** What one peer or orderer said; a client gets one for each that failed. */
export interface RpcErrorDetail {
  /** host:port */
  readonly address: string;
  readonly mspId: string;
  readonly message: string;
}

/**
 * A failure as Fabric's gateway reports it: gRPC status, and google.rpc.Status with a gateway.ErrorDetail for each
 * node that failed in the trailer `grpc-status-details-bin`.
 */
export class RpcError extends Error {
  readonly code: status;
  readonly errorDetails: readonly RpcErrorDetail[];

  constructor(code: status, message: string, errorDetails: readonly RpcErrorDetail[] = []) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
    this.errorDetails = errorDetails;
  }
}

/** @returns what grpc-js sends; anything that is no RpcError is the peer's own fault and says so */
export function toServerError(error: unknown): ServerErrorResponse {
  const rpcError = error instanceof RpcError ? error : new RpcError(status.INTERNAL, messageOf(error));
  const metadata = new Metadata();
  if (rpcError.errorDetails.length > 0) {
    metadata.set('grpc-status-details-bin', Buffer.from(statusWithDetails(rpcError).serializeBinary()));
  }
  // A client's bytes may come back in a message, and grpc-js throws where a text cannot be written as UTF-8: nobody is
  // there to catch it, and the process would end.
  const message = rpcError.message.toWellFormed();
  return { name: rpcError.name, message, code: rpcError.code, details: message, metadata };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function statusWithDetails(error: RpcError): google.rpc.Status {
  const rpcStatus = new google.rpc.Status();
  rpcStatus.setCode(error.code);
  rpcStatus.setMessage(error.message);
  for (const detail of error.errorDetails) {
    const message = new gateway.ErrorDetail();
    message.setAddress(detail.address);
    message.setMspId(detail.mspId);
    message.setMessage(detail.message);
    // Without an argument this appends an empty google.protobuf.Any and returns it.
    const any: { setTypeUrl(url: string): void; setValue(bytes: Uint8Array): void } = rpcStatus.addDetails();
    any.setTypeUrl('type.googleapis.com/gateway.ErrorDetail');
    any.setValue(message.serializeBinary());
  }
  return rpcStatus;
}
