import { status } from '@grpc/grpc-js';
import { common, gateway, peer } from '@hyperledger/fabric-protos';
import type { PeerLedger } from '../peer-ledger.js';
import { type AccessPolicy, denialText } from './access-policy.js';
import type { BlockFeed } from './block-feed.js';
import { messageOf, RpcError } from './rpc-error.js';
import { parseMessage } from '../wire/parse-message.js';

export interface ChaincodeEventsOptions {
  readonly channel: string;
  readonly access: AccessPolicy;
  readonly ledger: PeerLedger;
  readonly feed: BlockFeed;
}

/**
 * Events of a chaincode's valid transactions, one message for each block that has any, from a position on or after
 * a transaction, and then as blocks commit.
 *
 * @throws RpcError
 * @see Fabric internal/pkg/gateway/chaincodeevents.go
 */
export async function* chaincodeEvents(
  signedRequest: gateway.SignedChaincodeEventsRequest,
  options: ChaincodeEventsOptions,
  signal: AbortSignal,
): AsyncGenerator<gateway.ChaincodeEventsResponse, void, void> {
  const request = checkedRequest(signedRequest, options);
  const matches = eventMatcher(request);
  try {
    for await (const blockNumber of options.feed.follow(await startBlock(request, options.ledger), signal)) {
      const summary = await options.feed.summary(blockNumber);
      const events = summary.transactions.flatMap(({ type, validationCode, event }) => {
        const counts =
          type === common.HeaderType.ENDORSER_TRANSACTION && validationCode === peer.TxValidationCode.VALID;
        return counts && event !== undefined && matches(event) ? [event] : [];
      });
      if (events.length === 0) continue;
      const response = new gateway.ChaincodeEventsResponse();
      response.setBlockNumber(blockNumber);
      response.setEventsList(events);
      yield response;
    }
  } catch (error) {
    throw error instanceof RpcError ? error : new RpcError(status.ABORTED, messageOf(error));
  }
}

function checkedRequest(
  signedRequest: gateway.SignedChaincodeEventsRequest,
  options: ChaincodeEventsOptions,
): gateway.ChaincodeEventsRequest {
  const data = signedRequest.getRequest_asU8();
  if (data.length === 0) throw new RpcError(status.INVALID_ARGUMENT, 'a chaincode events request is required');
  const request = parseRequest(data);
  if (request.getChannelId() !== options.channel) {
    throw new RpcError(status.PERMISSION_DENIED, `channel [${request.getChannelId()}] not found`);
  }
  try {
    options.access.verifyReader({
      identity: request.getIdentity_asU8(),
      data,
      signature: signedRequest.getSignature_asU8(),
    });
  } catch (error) {
    throw new RpcError(status.PERMISSION_DENIED, denialText(options.channel, '/Channel/Application/Readers', error));
  }
  const position = request.getStartPosition();
  if (position?.hasOldest() || position?.hasNewest()) {
    throw new RpcError(status.INVALID_ARGUMENT, 'invalid start position type: give a block number or the next commit');
  }
  return request;
}

function parseRequest(data: Uint8Array): gateway.ChaincodeEventsRequest {
  try {
    return parseMessage(gateway.ChaincodeEventsRequest, data);
  } catch (error) {
    throw new RpcError(status.INVALID_ARGUMENT, `invalid chaincode events request: ${messageOf(error)}`);
  }
}

async function startBlock(request: gateway.ChaincodeEventsRequest, ledger: PeerLedger): Promise<number> {
  const afterTxId = request.getAfterTransactionId();
  const location = afterTxId === '' ? undefined : await ledger.transaction(afterTxId);
  if (location !== undefined) return location.blockNumber;
  return request.getStartPosition()?.getSpecified()?.getNumber() ?? ledger.height();
}

/** Events after the given transaction, that one's own excluded. */
function eventMatcher(request: gateway.ChaincodeEventsRequest): (event: peer.ChaincodeEvent) => boolean {
  const afterTxId = request.getAfterTransactionId();
  let passed = afterTxId === '';
  return (event) => {
    if (!passed) {
      passed = event.getTxId() === afterTxId;
      return false;
    }
    return event.getChaincodeId() === request.getChaincodeId();
  };
}
