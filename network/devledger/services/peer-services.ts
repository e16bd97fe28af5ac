import { type Server, type ServiceDefinition, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { common, discovery, gateway, peer } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import type { CallContext, CallListener } from './call-handlers.js';
import { conversationHandler, serverStreamHandler, unaryHandler } from './call-handlers.js';
import { type ChaincodeEventsOptions, chaincodeEvents } from './chaincode-events.js';
import { type CommitStatusOptions, commitStatus } from './commit-status.js';
import { ConcurrencyLimit } from './concurrency-limit.js';
import { type DeliverOptions, deliver } from './deliver.js';
import type { DeliverKind } from './deliver-response.js';
import { type DiscoveryOptions, discover } from './discovery.js';
import { type EndorseOptions, endorse } from './endorse.js';
import { evaluate } from './evaluate.js';
import {
  DISCOVERY_SHAPE,
  ENVELOPE_ONLY,
  NO_STREAM_MESSAGE,
  parseBounded,
  PROPOSED_SHAPE,
  SEEK_SHAPE,
  SIGNED_PROPOSAL,
  SIGNED_REQUEST_SHAPE,
  SUBMIT_SHAPE,
} from './message-bounds.js';
import { processProposal } from './process-proposal.js';
import { RpcError } from './rpc-error.js';
import { type SubmitOptions, submit } from './submit.js';

export interface PeerServicesOptions {
  readonly endorse: EndorseOptions;
  readonly submit: SubmitOptions;
  readonly commitStatus: CommitStatusOptions;
  readonly chaincodeEvents: ChaincodeEventsOptions;
  readonly deliver: DeliverOptions;
  readonly discovery: DiscoveryOptions;
  readonly log: Logger;
  readonly onCall?: CallListener;
  /** Aborted when the server stops. */
  readonly stopped: AbortSignal;
}

/** Calls at once; Fabric's peer.limits.concurrency has 500 for the gateway, 2,500 for endorser and deliver. */
const GATEWAY_CALLS_MAX = 500;
/** Those who wait for a commit or for events cost next to nothing, and must not keep others from submitting. */
const WAITING_CALLS_MAX = 5_000;
const ENDORSER_CALLS_MAX = 2_500;
const DELIVER_CALLS_MAX = 2_500;
const DISCOVER_CALLS_MAX = 500;

/** Adds what one peer offers to its gRPC server: gateway.Gateway, protos.Endorser, protos.Deliver, discovery.Discovery. */
export function addPeerServices(server: Server, options: PeerServicesOptions): void {
  const { log, stopped, onCall } = options;
  const every = { log, stopped, ...(onCall === undefined ? {} : { onCall }) };
  const running: CallContext = { ...every, limit: new ConcurrencyLimit('/gateway.Gateway', GATEWAY_CALLS_MAX) };
  const waiting: CallContext = { ...every, limit: new ConcurrencyLimit('/gateway.Gateway', WAITING_CALLS_MAX) };
  const { EvaluateRequest, EndorseRequest, SubmitRequest } = gateway;
  const { SignedCommitStatusRequest, SignedChaincodeEventsRequest } = gateway;
  const gatewayServer: UntypedServiceImplementation = {
    evaluate: unaryHandler(running, async (bytes: Uint8Array) =>
      evaluate(parseBounded(bytes, PROPOSED_SHAPE, EvaluateRequest), options.endorse),
    ),
    endorse: unaryHandler(running, async (bytes: Uint8Array) =>
      endorse(parseBounded(bytes, PROPOSED_SHAPE, EndorseRequest), options.endorse),
    ),
    submit: unaryHandler(running, async (bytes: Uint8Array) => {
      // What is larger than the orderer takes is refused by its size and not taken apart any further.
      const shape = bytes.length > options.submit.envelopeSizeMaxBytes ? ENVELOPE_ONLY : SUBMIT_SHAPE;
      return submit(parseBounded(bytes, shape, SubmitRequest), options.submit);
    }),
    commitStatus: unaryHandler(waiting, async (bytes: Uint8Array, signal) => {
      const request = parseBounded(bytes, SIGNED_REQUEST_SHAPE, SignedCommitStatusRequest);
      return commitStatus(request, options.commitStatus, signal);
    }),
    chaincodeEvents: serverStreamHandler(waiting, (bytes: Uint8Array, signal) => {
      const request = parseBounded(bytes, SIGNED_REQUEST_SHAPE, SignedChaincodeEventsRequest, NO_STREAM_MESSAGE);
      return chaincodeEvents(request, options.chaincodeEvents, signal);
    }),
  };
  server.addService(gatewayDefinition(), gatewayServer);
  const endorsing: CallContext = { ...every, limit: new ConcurrencyLimit('/protos.Endorser', ENDORSER_CALLS_MAX) };
  server.addService(endorserDefinition(), {
    processProposal: unaryHandler(endorsing, async (bytes: Uint8Array) =>
      processProposal(parseBounded(bytes, SIGNED_PROPOSAL, peer.SignedProposal), options.endorse),
    ),
  });
  const discovering: CallContext = {
    ...every,
    limit: new ConcurrencyLimit('/discovery.Discovery', DISCOVER_CALLS_MAX),
  };
  server.addService(discoveryDefinition(), {
    discover: unaryHandler(discovering, async (bytes: Uint8Array) =>
      discover(parseBounded(bytes, DISCOVERY_SHAPE, discovery.SignedRequest), options.discovery),
    ),
  });
  server.addService(deliverDefinition(), deliverServer(options));
}

function deliverServer(options: PeerServicesOptions): UntypedServiceImplementation {
  const limit = new ConcurrencyLimit('/protos.Deliver', DELIVER_CALLS_MAX);
  const context: CallContext = { log: options.log, stopped: options.stopped, limit };
  const handler = (kind: DeliverKind) =>
    conversationHandler<Uint8Array, Uint8Array>(context, (bytes, signal) => {
      const envelope = parseBounded(bytes, SEEK_SHAPE, common.Envelope, NO_STREAM_MESSAGE);
      return endOfSeek(deliver(envelope, kind, options.deliver, signal), 'the peer');
    });
  return {
    deliver: handler('block'),
    deliverFiltered: handler('filtered'),
    deliverWithPrivateData: handler('block-and-private-data'),
  };
}

/** Answers of one seek as they go out; whether the client may ask again is told by the last one. */
export async function* endOfSeek(
  answers: ReturnType<typeof deliver>,
  node: string,
): AsyncGenerator<Uint8Array, boolean, void> {
  for await (const { bytes, final } of answers) {
    yield bytes;
    if (final !== undefined) return final === common.Status.SUCCESS;
  }
  throw new RpcError(status.UNAVAILABLE, `${node} is shutting down, or the client has gone`);
}

/** Requests arrive as they are, so that their bounds are checked before they are parsed. */
export const asReceived = (bytes: Buffer) => bytes;
/** What is in its bytes already is sent as it is. */
export const serialised = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

function gatewayDefinition(): ServiceDefinition {
  const { evaluate: query, endorse: endorsing, submit: submitting, commitStatus: waiting } = gateway.GatewayService;
  return {
    evaluate: { ...query, requestDeserialize: asReceived },
    endorse: { ...endorsing, requestDeserialize: asReceived },
    submit: { ...submitting, requestDeserialize: asReceived },
    commitStatus: { ...waiting, requestDeserialize: asReceived },
    chaincodeEvents: { ...gateway.GatewayService.chaincodeEvents, requestDeserialize: asReceived },
  };
}

function endorserDefinition(): ServiceDefinition {
  return { processProposal: { ...peer.EndorserService.processProposal, requestDeserialize: asReceived } };
}

function discoveryDefinition(): ServiceDefinition {
  return { discover: { ...discovery.DiscoveryService.discover, requestDeserialize: asReceived } };
}

/** Fabric's own definition, but for responses that arrive serialised: blocks are passed on without being parsed. */
function deliverDefinition(): ServiceDefinition {
  const own = { requestDeserialize: asReceived, responseSerialize: serialised };
  const { deliver: block, deliverFiltered, deliverWithPrivateData } = peer.DeliverService;
  return {
    deliver: { ...block, ...own },
    deliverFiltered: { ...deliverFiltered, ...own },
    deliverWithPrivateData: { ...deliverWithPrivateData, ...own },
  };
}
