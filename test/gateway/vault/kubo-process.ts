import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CID } from 'multiformats/cid';
import { base32upper } from 'multiformats/bases/base32';
import { eventually, untilTrue } from '../../support/eventually.js';

type KuboConfig = {
  Datastore: { Spec: { mounts: { type: string; sync?: boolean }[] }; HashOnRead: boolean };
  Swarm: object;
};

/** A real Kubo daemon on loopback, which knows nobody and tells nobody. */
export type KuboProcess = {
  readonly directory: string;
  url: string;
  process: ChildProcess;
};

/** The settings that docs/operations.md asks for. */
export const VAULT_SETTINGS = { sync: true, hashOnRead: true };

export async function startKubo(binary: string, settings = VAULT_SETTINGS): Promise<KuboProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'kubo-'));
  await promisify(execFile)(binary, ['init', '--profile=test'], { env: environment(directory) });
  const file = join(directory, 'config');
  const config = JSON.parse(await readFile(file, 'utf8')) as KuboConfig;
  for (const store of config.Datastore.Spec.mounts) if (store.type === 'flatfs') store.sync = settings.sync;
  config.Datastore.HashOnRead = settings.hashOnRead;
  Object.assign(config, { Routing: { Type: 'none' }, HTTPRetrieval: { Enabled: false } });
  Object.assign(config, { Version: { SwarmCheckEnabled: false }, AutoNAT: { ServiceMode: 'disabled' } });
  Object.assign(config.Swarm, { RelayClient: { Enabled: false } });
  await writeFile(file, JSON.stringify(config));
  return { directory, ...(await startDaemon(binary, directory)) };
}

/** As a loss of power would, but for what the system still has in its cache. */
export async function killAndRestart(binary: string, kubo: KuboProcess): Promise<void> {
  await ended(kubo.process, 'SIGKILL');
  Object.assign(kubo, await startDaemon(binary, kubo.directory));
}

export async function removeKubo(kubo: KuboProcess): Promise<void> {
  await ended(kubo.process, 'SIGTERM');
  await rm(kubo.directory, { recursive: true });
}

/** Where flatfs keeps a block: by its multihash, in a folder named after its next-to-last two characters. */
export function blockFile({ directory }: KuboProcess, cid: string): string {
  const name = base32upper.encode(CID.parse(cid).multihash.bytes).slice(1);
  return join(directory, 'blocks', name.slice(-3, -1), `${name}.data`);
}

async function startDaemon(binary: string, directory: string): Promise<{ url: string; process: ChildProcess }> {
  const apiFile = join(directory, 'api');
  await rm(apiFile, { force: true });
  const process = spawn(binary, ['daemon'], { env: environment(directory), stdio: 'ignore' });
  const address = await untilTrue(
    () => readFile(apiFile, 'utf8'),
    (written) => written !== '',
  );
  const [, , host, , port] = address.trim().split('/');
  const url = `http://${host}:${port}`;
  await eventually(() => fetch(`${url}/api/v0/id`, { method: 'POST' }));
  return { url, process };
}

function environment(directory: string) {
  return { PATH: process.env.PATH, HOME: directory, IPFS_PATH: directory, IPFS_TELEMETRY: 'off' };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}
