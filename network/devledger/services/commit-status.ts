import { status } from '@grpc/grpc-js';
import { gateway } from '@hyperledger/fabric-protos';
import type { PeerLedger, TransactionLocation } from '../peer-ledger.js';
import { type AccessPolicy, denialText } from './access-policy.js';
import type { CommitNotifier } from './commit-notifier.js';
import { parseValidationCode } from './proto-codes.js';
import { messageOf, RpcError } from './rpc-error.js';
import { parseMessage } from '../wire/parse-message.js';

export interface CommitStatusOptions {
  readonly channel: string;
  readonly access: AccessPolicy;
  readonly ledger: PeerLedger;
  readonly notifier: CommitNotifier;
}

/**
 * Where a transaction ended up on the peer that is asked; waits for it until the caller gives up.
 *
 * @param signal - aborted when the caller is gone
 * @throws RpcError
 * @see Fabric internal/pkg/gateway/commitstatus.go
 */
export async function commitStatus(
  signedRequest: gateway.SignedCommitStatusRequest,
  options: CommitStatusOptions,
  signal: AbortSignal,
): Promise<gateway.CommitStatusResponse> {
  const txId = checkedTransactionId(signedRequest, options);
  // Waiting begins before the ledger is asked, or a commit between the two would be missed.
  const wait = options.notifier.wait(txId, signal);
  let location: TransactionLocation;
  try {
    location = (await options.ledger.transaction(txId)) ?? (await wait.committed);
  } finally {
    wait.cancel();
  }
  const response = new gateway.CommitStatusResponse();
  response.setResult(parseValidationCode(location.validationCode));
  response.setBlockNumber(location.blockNumber);
  return response;
}

function checkedTransactionId(signedRequest: gateway.SignedCommitStatusRequest, options: CommitStatusOptions): string {
  const data = signedRequest.getRequest_asU8();
  if (data.length === 0) throw new RpcError(status.INVALID_ARGUMENT, 'a commit status request is required');
  const request = parseRequest(data);
  const identity = request.getIdentity_asU8();
  if (identity.length === 0) throw new RpcError(status.INVALID_ARGUMENT, 'no identity provided');
  if (request.getChannelId() === '') throw new RpcError(status.INVALID_ARGUMENT, 'no channel ID provided');
  if (request.getTransactionId() === '') {
    throw new RpcError(status.INVALID_ARGUMENT, 'transaction ID should not be empty');
  }
  if (request.getChannelId() !== options.channel) {
    throw new RpcError(status.PERMISSION_DENIED, `channel [${request.getChannelId()}] not found`);
  }
  try {
    options.access.verifyReader({ identity, data, signature: signedRequest.getSignature_asU8() });
  } catch (error) {
    throw new RpcError(status.PERMISSION_DENIED, denialText(options.channel, '/Channel/Application/Readers', error));
  }
  return request.getTransactionId();
}

function parseRequest(data: Uint8Array): gateway.CommitStatusRequest {
  try {
    return parseMessage(gateway.CommitStatusRequest, data);
  } catch (error) {
    throw new RpcError(status.INVALID_ARGUMENT, `invalid status request: ${messageOf(error)}`);
  }
}
