import { Server, ServerCredentials } from '@grpc/grpc-js';
import { MESSAGE_SIZE_MAX_BYTES } from '../chaincode/chaincode-connection.js';

export interface GrpcServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: { readonly certificatePem: string; readonly keyPem: string };
}

export interface GrpcServer {
  readonly port: number;
  /** Ends streams, lets running calls finish for a moment, then cuts them off. */
  stop(): Promise<void>;
}

/** Streams on one connection. A gateway keeps one for each transaction it waits for. */
const STREAMS_PER_CONNECTION_MAX = 5_000;
const SHUTDOWN_GRACE_MS = 2_000;

/**
 * A node's port: its services over TLS.
 *
 * @param addServices - told with a signal that is aborted when the server stops
 * @throws Error the port is taken, or the TLS certificate and key do not fit
 */
export async function startGrpcServer(
  options: GrpcServerOptions,
  addServices: (server: Server, stopped: AbortSignal) => void,
): Promise<GrpcServer> {
  const stopping = new AbortController();
  const server = new Server({
    'grpc.max_receive_message_length': MESSAGE_SIZE_MAX_BYTES,
    // A block holds many transactions, and one that is larger than a message must still be delivered.
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': STREAMS_PER_CONNECTION_MAX,
  });
  addServices(server, stopping.signal);
  const port = await bind(server, options);
  return {
    port,
    stop: async () => {
      stopping.abort();
      await shutdown(server);
    },
  };
}

function bind(server: Server, { host, port, tls }: GrpcServerOptions): Promise<number> {
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(tls.certificatePem), private_key: Buffer.from(tls.keyPem) },
  ]);
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, boundPort) => {
      if (error === null) resolve(boundPort);
      else reject(new Error(bindFailure(host, port, error), { cause: error }));
    });
  });
}

function bindFailure(host: string, port: number, error: Error): string {
  if (!error.message.includes('EADDRINUSE')) return `Port ${port} of ${host} cannot be used: ${error.message}`;
  return `Port ${port} of ${host} is taken: stop what uses it, or choose other ports with --port-base.`;
}

function shutdown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, SHUTDOWN_GRACE_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
