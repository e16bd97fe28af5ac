import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { readBody } from './http-body.js';
import { formatLogSpec, parseLogSpec } from './log-spec.js';
import { LEDGER_VERSION } from './version.js';

export interface OperationsServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The node's; its level is what /logspec reads and sets. */
  readonly log: Logger;
  /** In Prometheus' text format. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** What keeps the node from taking part, or what it depends on; none when all is well. */
  readonly failures: () => readonly FailedCheck[];
}

export interface FailedCheck {
  readonly component: 'ledger' | 'orderer';
  /** A sentence that says what to do. */
  readonly reason: string;
}

export interface OperationsServer {
  readonly port: number;
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body?: string;
}

type Handler = (request: IncomingMessage, options: OperationsServerOptions) => Answer | Promise<Answer>;

const ROUTES: Readonly<Record<string, Handler>> = {
  'GET /healthz': (_, { failures }) => health(failures()),
  'GET /metrics': async (_, { metrics }) => ({ status: 200, type: metrics.contentType, body: await metrics.text() }),
  'GET /version': () => json(200, { CommitSHA: '', Version: LEDGER_VERSION }),
  'GET /logspec': (_, { log }) => json(200, { spec: formatLogSpec(log.level) }),
  'PUT /logspec': setLogSpec,
};

/**
 * What an operator asks a peer or an orderer over HTTP, with the paths and shapes of Fabric's operations service.
 * Without TLS and without a password: bound to loopback, as the whole ledger is.
 *
 * @throws Error the port is taken
 * @see https://hyperledger-fabric.readthedocs.io/en/release-3.1/operations_service.html
 */
export async function startOperationsServer(options: OperationsServerOptions): Promise<OperationsServer> {
  const server = createServer((request, response) => {
    void answer(request, options)
      .catch((error: unknown) => json(500, { error: error instanceof Error ? error.message : String(error) }))
      .then((found) => send(response, found));
  });
  const port = await listen(server, options);
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, options: OperationsServerOptions): Promise<Answer> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const handler = ROUTES[`${request.method} ${pathname}`];
  if (handler !== undefined) return handler(request, options);
  const known = Object.keys(ROUTES).some((route) => route.endsWith(` ${pathname}`));
  if (known) return json(400, { error: `invalid request method: ${request.method}` });
  return json(404, { error: 'there are /healthz, /metrics, /logspec and /version' });
}

function health(failed: readonly FailedCheck[]): Answer {
  const time = new Date().toISOString();
  if (failed.length === 0) return json(200, { status: 'OK', time });
  return json(503, { status: 'Service Unavailable', time, failed_checks: failed });
}

async function setLogSpec(request: IncomingMessage, { log }: OperationsServerOptions): Promise<Answer> {
  const level = parseLogSpec(await readBody(request));
  if ('error' in level) return json(400, { error: level.error });
  log.level = level.level;
  return { status: 204 };
}

function json(status: number, value: object): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, type === undefined ? {} : { 'Content-Type': type });
  response.end(body);
}

function listen(server: Server, { host, port }: OperationsServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Error(`Port ${port} of ${host}, for operations, cannot be used: ${error.message}`, { cause: error }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
