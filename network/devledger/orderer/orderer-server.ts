import type { Server, ServiceDefinition } from '@grpc/grpc-js';
import { common, orderer } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import type { OrdererMetrics } from '../operations/orderer-metrics.js';
import type { AccessPolicy } from '../services/access-policy.js';
import { BlockFeed } from '../services/block-feed.js';
import { type CallContext, conversationHandler, exchangeHandler } from '../services/call-handlers.js';
import { ConcurrencyLimit } from '../services/concurrency-limit.js';
import { type DeliverOptions, deliver } from '../services/deliver.js';
import { type GrpcServer, type GrpcServerOptions, startGrpcServer } from '../services/grpc-server.js';
import { NO_STREAM_MESSAGE, parseBounded, SEEK_SHAPE } from '../services/message-bounds.js';
import { ENVELOPE_SIZE_MAX_BYTES, TIME_WINDOW_MS } from '../services/peer-parts.js';
import { asReceived, endOfSeek, serialised } from '../services/peer-services.js';
import { type BroadcastOptions, broadcast } from './broadcast.js';
import type { Orderer } from './open-orderer.js';

export interface OrdererServerOptions extends GrpcServerOptions {
  readonly channel: string;
  readonly orderer: Orderer;
  /** Who may broadcast: /Channel/Writers. */
  readonly writers: AccessPolicy;
  /** Who may have blocks: /Channel/Readers. */
  readonly readers: AccessPolicy;
  readonly nowMs: () => number;
  readonly log: Logger;
  /** Left out, nothing is counted. */
  readonly metrics: OrdererMetrics | undefined;
}

export interface OrdererServer extends GrpcServer {
  /** No block comes any more: who waits for one is told why. */
  fail(reason: string): void;
}

/** Calls at once, each of them on a stream. */
const BROADCASTS_MAX = 500;
const DELIVERIES_MAX = 2_500;
const NO_PRIVATE_DATA: ReadonlyMap<number, Uint8Array> = new Map();

/**
 * The orderer's port with orderer.AtomicBroadcast: what Fabric's `peer` command and older SDKs broadcast to and fetch
 * blocks from.
 *
 * @throws Error the port is taken
 */
export async function startOrdererServer(options: OrdererServerOptions): Promise<OrdererServer> {
  const feed = feedOf(options.orderer);
  try {
    const server = await startGrpcServer(options, (added, stopped) =>
      addServices(added, { ...options, feed, stopped }),
    );
    return {
      port: server.port,
      fail: (reason) => feed.fail(reason),
      stop: async () => {
        await server.stop();
        feed.close();
      },
    };
  } catch (error) {
    feed.close();
    throw error;
  }
}

interface Services extends OrdererServerOptions {
  readonly feed: BlockFeed;
  readonly stopped: AbortSignal;
}

function addServices(server: Server, services: Services): void {
  const { log, stopped, metrics } = services;
  const context = (name: string, callsMax: number): CallContext => ({
    log,
    stopped,
    limit: new ConcurrencyLimit(name, callsMax),
  });
  const broadcasting = broadcastOptions(services);
  const delivering = deliverOptions(services);
  server.addService(definition(), {
    broadcast: exchangeHandler(
      context('/orderer.AtomicBroadcast/Broadcast', BROADCASTS_MAX),
      async (bytes: Uint8Array) => {
        const answer = await broadcast(bytes, broadcasting);
        return { answer, goOn: answer.getStatus() === common.Status.SUCCESS };
      },
    ),
    deliver: conversationHandler(
      context('/orderer.AtomicBroadcast/Deliver', DELIVERIES_MAX),
      (bytes: Uint8Array, signal) => {
        metrics?.onSeek();
        const envelope = parseBounded(bytes, SEEK_SHAPE, common.Envelope, NO_STREAM_MESSAGE);
        return endOfSeek(counted(deliver(envelope, 'block', delivering, signal), metrics), 'the orderer');
      },
    ),
  });
}

function broadcastOptions({ channel, writers, log, metrics, ...services }: Services): BroadcastOptions {
  return {
    channel,
    log,
    access: writers,
    orderer: services.orderer,
    envelopeSizeMaxBytes: ENVELOPE_SIZE_MAX_BYTES,
    onBroadcast: metrics && ((answered) => metrics.onBroadcast(answered)),
  };
}

function deliverOptions({ channel, readers, feed, nowMs, log }: Services): DeliverOptions {
  return {
    channel,
    feed,
    nowMs,
    log,
    access: readers,
    timeWindowMs: TIME_WINDOW_MS,
    privateDataOf: async () => NO_PRIVATE_DATA,
  };
}

async function* counted(
  messages: ReturnType<typeof deliver>,
  metrics: OrdererMetrics | undefined,
): ReturnType<typeof deliver> {
  for await (const message of messages) {
    if (message.final === undefined) metrics?.onBlockSent();
    yield message;
  }
}

/** The orderer's blocks as a stream; the newest one is in its memory. */
function feedOf(source: Orderer): BlockFeed {
  return new BlockFeed({
    height: () => source.height(),
    blockByNumber: (blockNumber) => source.blockByNumber(blockNumber),
    onCommit: (listener) => source.onBlock(() => listener()),
  });
}

/** Requests are counted before they are parsed; blocks are passed on without being parsed. */
function definition(): ServiceDefinition {
  const { broadcast: broadcasting, deliver: delivering } = orderer.AtomicBroadcastService;
  return {
    broadcast: { ...broadcasting, requestDeserialize: asReceived },
    deliver: { ...delivering, requestDeserialize: asReceived, responseSerialize: serialised },
  };
}
