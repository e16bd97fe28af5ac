import { randomBytes, timingSafeEqual } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';
import { PRIVATE_FILE_MODE, replaceFile } from '../../identities/durable-file.js';
import { parseDeployRequest } from '../definition/deploy-request.js';
import type { DevLedger } from '../dev-ledger.js';
import { messageOf } from '../services/rpc-error.js';
import { readBody } from './http-body.js';

/** In the ledger's folder: where the running process is asked, and the secret that goes with each request. */
export const CONTROL_FILE = 'control.json';
const LOOPBACK = '127.0.0.1';
const TOKEN_BYTES = 32;

export interface ControlServer {
  stop(): Promise<void>;
}

/** What a running ledger can be asked to do; all are POST but for status. */
const PEER_PATH = /^\/peers\/([A-Za-z0-9.-]{1,128})\/(stop|start)$/;

/**
 * Lets another process of the same user deploy chaincode and stop single peers: an HTTP server on loopback that answers
 * whoever knows the secret, which lies in a file that only its owner can read.
 */
export async function startControlServer(dataDir: string, ledger: DevLedger): Promise<ControlServer> {
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  const server = createServer((request, response) => {
    void answer(request, token, ledger).then(({ status, value }) => {
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(value));
    });
  });
  // A deployment builds first.
  server.requestTimeout = 0;
  const port = await listen(server);
  const path = join(dataDir, 'ledger', CONTROL_FILE);
  replaceFile(path, `${JSON.stringify({ url: `http://${LOOPBACK}:${port}`, token })}\n`, PRIVATE_FILE_MODE);
  return {
    stop: () =>
      new Promise((resolve) => {
        rmSync(path, { force: true });
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  token: string,
  ledger: DevLedger,
): Promise<{ readonly status: number; readonly value: object }> {
  if (!isAllowed(request, token)) return { status: 401, value: { error: 'the secret in control.json is needed' } };
  try {
    const value = await run(`${request.method} ${request.url}`, request, ledger);
    return value === undefined ? { status: 404, value: { error: 'there is nothing here' } } : { status: 200, value };
  } catch (error) {
    return { status: 400, value: { error: messageOf(error) } };
  }
}

async function run(what: string, request: IncomingMessage, ledger: DevLedger): Promise<object | undefined> {
  if (what === 'GET /status') return status(ledger);
  if (what === 'POST /deploy') return ledger.deploy(parseDeployRequest(await readBody(request)));
  if (!what.startsWith('POST ')) return undefined;
  const [, mspId, verb] = PEER_PATH.exec(what.slice('POST '.length)) ?? [];
  if (mspId === undefined) return undefined;
  return { changed: verb === 'stop' ? await ledger.stopPeer(mspId) : await ledger.startPeer(mspId) };
}

function status(ledger: DevLedger): object {
  return {
    endpoints: ledger.endpoints,
    orderer: ledger.orderer,
    heights: Object.fromEntries(ledger.heights()),
    setAside: Object.fromEntries(ledger.setAside),
    chaincodes: ledger.chaincodes(),
    missingChaincodes: Object.fromEntries(ledger.missingChaincodes()),
  };
}

function isAllowed(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}
