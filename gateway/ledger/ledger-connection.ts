import { readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';

export interface PeerEndpoint {
  /** Address to dial, host:port. */
  readonly address: string;
  /** Name in the peer's TLS certificate, where it is not the host that is dialled. */
  readonly hostName: string;
  /** PEM file of the TLS authority of the peer's organisation. */
  readonly tlsRootFile: string;
}

/** As the peers' own bound: a batch of 200 records and its read-write set stay far below. */
const MESSAGE_SIZE_MAX_BYTES = 16 * 1024 * 1024;
/** Fabric's peers refuse pings more often than once a minute. */
const KEEPALIVE_MS = 120_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
const RECONNECT_MIN_MS = 50;
const RECONNECT_MAX_MS = 1_000;

/** One HTTP/2 connection to a peer, shared by all identities. Connects at the first call. */
export function openPeerClient(endpoint: PeerEndpoint): Client {
  return new Client(endpoint.address, credentials.createSsl(readFileSync(endpoint.tlsRootFile)), {
    'grpc.ssl_target_name_override': endpoint.hostName,
    'grpc.default_authority': endpoint.hostName,
    // A block may be larger than any message that is sent.
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': MESSAGE_SIZE_MAX_BYTES,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    // grpc-js waits a second and more between attempts; a ledger on the same machine is back sooner.
    'grpc.initial_reconnect_backoff_ms': RECONNECT_MIN_MS,
    'grpc.min_reconnect_backoff_ms': RECONNECT_MIN_MS,
    'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
    // Retrying is decided stage by stage; the channel must not repeat a call by itself.
    'grpc.enable_retries': 0,
  });
}

/** @returns false when there is no connection within the time */
export function whenConnected(client: Client, waitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    client.waitForReady(Date.now() + Math.max(0, waitMs), (error) => resolve(error === undefined));
  });
}
