import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePorts } from '../../support/free-ports.js';

const READY_MS = 60_000;
const POLL_MS = 100;

/** A real Fabric CA server with TLS, in a folder of its own. */
export interface FabricCaServer {
  readonly url: string;
  readonly tlsRootPem: string;
  readonly admin: { readonly id: string; readonly secret: string };
  stop(): Promise<void>;
}

/** @param program - path of fabric-ca-server */
export async function startFabricCa(program: string): Promise<FabricCaServer> {
  const folder = mkdtempSync(join(tmpdir(), 'fabric-ca-'));
  const [port = 0, operationsPort = 0] = await freePorts(2);
  const admin = { id: 'registrar', secret: 'a-password-for-this-test' };
  const args = ['start', '--boot', `${admin.id}:${admin.secret}`, '--port', String(port), '--address', '127.0.0.1'];
  const options = ['--home', folder, '--tls.enabled', '--csr.hosts', '127.0.0.1'];
  const operations = ['--operations.listenaddress', `127.0.0.1:${operationsPort}`];
  const server = spawn(program, [...args, ...options, ...operations], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  for (const untilMs = Date.now() + READY_MS; !said.includes('Listening on'); await wait(POLL_MS)) {
    if (Date.now() > untilMs || server.exitCode !== null) throw new Error(`the server does not start: ${said}`);
  }
  const root = join(folder, 'ca-cert.pem');
  return {
    url: `https://127.0.0.1:${port}`,
    tlsRootPem: existsSync(root) ? readFileSync(root, 'utf8') : '',
    admin,
    stop: () => stop(server, folder),
  };
}

async function stop(server: ChildProcess, folder: string): Promise<void> {
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
