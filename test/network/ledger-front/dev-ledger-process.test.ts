import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  chaincodeFolder,
  ensureIdentities,
  organisationFolder,
  tlsCaBundle,
  tlsPaths,
} from '../../../network/identities/index.js';
import { localTopology, type Topology } from '../../../network/topology.js';
import type { ChaincodeProcess } from './chaincode-process.js';
import { decode, enrol, type Member, type MemberClient, memberClient } from './front-client.js';
import { startChaincodes, withPeer } from './front-network.js';
import { untilTrue } from '../../support/eventually.js';
import { freePortBase } from '../../support/free-ports.js';

const FIXTURES = join(process.cwd(), 'test/network/fixtures');
const MAIN = join(process.cwd(), 'network/devledger/main.ts');

interface LedgerProcess {
  readonly child: ChildProcess;
  /** What it printed when it was ready; undefined when it ended before. */
  readonly ready: { endpoints: { mspId: string; host: string; address: string }[] } | undefined;
  readonly errorText: string;
}

let dataDir: string;
let portBase: number;
let topology: Topology;
let chaincodes: Map<string, ChaincodeProcess>;
let member: Member;
const children = new Set<ChildProcess>();
const clients: MemberClient[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dev-ledger-process-'));
  portBase = await freePortBase();
  topology = localTopology(portBase);
  await ensureIdentities(topology, dataDir);
  chaincodes = await startChaincodes(topology, chaincodeTls());
  member = await enrol(dataDir, withPeer(topology)[0] ?? { mspId: '', domain: '' });
});

/** Environment of the chaincode services, by MSP id: where their certificates lie. */
function chaincodeTls(): Record<string, Record<string, string>> {
  const folderOf = (domain: string) => dirname(tlsPaths(chaincodeFolder(organisationFolder(dataDir, domain))).key);
  return Object.fromEntries(
    withPeer(topology).map(({ mspId, domain }) => [mspId, { CHAINCODE_TLS: folderOf(domain) }]),
  );
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all([...children].map((child) => end(child, 'SIGKILL')));
});

afterAll(async () => {
  await Promise.all([...chaincodes.values()].map((chaincode) => chaincode.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

describe('the ledger process', () => {
  it('says when it is ready, and ends cleanly on SIGTERM', async () => {
    const ledger = await startProcess();
    expect(ledger.ready?.endpoints.map(({ address }) => address)).toEqual(
      [30, 31, 32].map((offset) => `127.0.0.1:${portBase + offset}`),
    );
    expect(await end(ledger.child, 'SIGTERM')).toEqual([0, null]);
  });

  it('has every acknowledged transaction after it was killed', async () => {
    const ledger = await startProcess();
    const client = clientOf(ledger);
    const acknowledged: string[] = [];
    const submitting = Array.from({ length: 20 }, async (_, index) => {
      await client.contract.submitAsync('put', { arguments: [`killed${index}`, 'x'] });
      acknowledged.push(`killed${index}`);
      if (acknowledged.length === 10) ledger.child.kill('SIGKILL');
    });
    await Promise.allSettled(submitting);
    expect(acknowledged.length).toBeGreaterThanOrEqual(10);
    const again = clientOf(await startProcess());
    // What was acknowledged but in no block yet is ordered once the ledger runs again.
    const found = async () => {
      const range = decode(await again.contract.evaluateTransaction('range', 'killed', 'killee'));
      return (JSON.parse(range) as [string, string][]).map(([key]) => key);
    };
    await untilTrue(found, (keys) => acknowledged.every((key) => keys.includes(key)));
  });

  it('says in one line that a port is taken', async () => {
    const server = createServer();
    server.listen(portBase + 31, '127.0.0.1');
    await once(server, 'listening');
    try {
      const ledger = await startProcess();
      expect(ledger.ready).toBeUndefined();
      expect(ledger.child.exitCode).toBe(1);
      expect(ledger.errorText).toBe(
        `Port ${portBase + 31} of 127.0.0.1 is taken: stop what uses it, or choose other ports with --port-base.\n`,
      );
    } finally {
      server.close();
    }
  });

  it('says in one line that the folder has no certificates', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'dev-ledger-empty-'));
    try {
      const ledger = await startProcess(empty);
      expect(ledger.child.exitCode).toBe(1);
      expect(ledger.errorText.trim().split('\n')).toHaveLength(1);
      expect(ledger.errorText).toContain(empty);
    } finally {
      await rm(empty, { recursive: true });
    }
  });

  it('does not start twice on one folder', async () => {
    await startProcess();
    const second = await startProcess(dataDir, await freePortBase());
    expect(second.child.exitCode).toBe(1);
    expect(second.errorText.trim().split('\n')).toHaveLength(1);
  });
});

function clientOf({ ready }: LedgerProcess): MemberClient {
  const endpoint = ready?.endpoints[0];
  if (endpoint === undefined) throw new Error('the ledger is not ready');
  const client = memberClient(endpoint, tlsCaBundle(dataDir, topology), member);
  clients.push(client);
  return client;
}

async function startProcess(folder = dataDir, port = portBase): Promise<LedgerProcess> {
  const args = ['--import', join(FIXTURES, 'typescript-imports.mjs'), MAIN];
  const child = spawn(process.execPath, [...args, '--data', folder, '--port-base', String(port)], {
    env: { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let errorText = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    errorText += chunk.toString('utf8');
  });
  const ready = await readyLine(child);
  return { child, ready, errorText };
}

async function readyLine(child: ChildProcess): Promise<LedgerProcess['ready']> {
  let output = '';
  return new Promise((resolve) => {
    child.once('close', () => resolve(undefined));
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      for (const line of output.split('\n').slice(0, -1)) {
        const message = JSON.parse(line);
        if (message.ready === true) resolve(message);
      }
    });
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<[number | null, NodeJS.Signals | null]> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
  children.delete(child);
  return [child.exitCode, child.signalCode];
}
