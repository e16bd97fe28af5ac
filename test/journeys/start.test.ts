import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { memberClient, type MemberClient } from '../../scripts/seed/member-client.js';
import { restClient } from '../../scripts/seed/rest-client.js';
import { freePortBase } from '../support/free-ports.js';
import {
  isAlive,
  type RunningNetwork,
  runNetwork,
  untilGone,
  LEDGER_PROCESSES,
  LEDGER_VICTIMS,
} from '../support/running-network.js';

/** All of Synthea's entries in test/fixtures/synthea. */
const ENTRIES = 1798;
const STARTED = [
  'chaincode-government',
  'chaincode-hospital-a',
  'chaincode-hospital-b',
  'gateway-government',
  'gateway-hospital-a',
  'gateway-hospital-b',
  'gateway-insurer',
  ...LEDGER_PROCESSES,
  'supervisor',
];

let network: RunningNetwork;
let portBase: number;

beforeAll(async () => {
  portBase = await freePortBase();
  network = await runNetwork({ seed: true, portBase });
});
afterAll(async () => {
  await network?.stop();
  network?.remove();
});

/** Runs the command to its end, as somebody would who got something wrong. */
function start(...args: string[]) {
  const script = fileURLToPath(new URL('../../dist/scripts/start.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  return { status, stdout, lines: stderr.trimEnd().split('\n') };
}

async function signedIn(memberId: string): Promise<MemberClient> {
  const { gatewayUrl, password } = network.credential(memberId);
  return memberClient(restClient(gatewayUrl, AbortSignal.timeout(60_000)), memberId, password);
}

function patientIds(): string[] {
  return network.credentials().flatMap(({ memberId, role }) => (role === 'patient' ? [memberId] : []));
}

async function countRecords(patientId: string): Promise<number> {
  const patient = await signedIn(patientId);
  let count = 0;
  let cursor = '';
  do {
    const path = `/v1/patients/${patientId}/records?limit=200${cursor}`;
    const { items, next } = (await patient.request({ method: 'GET', path })) as { items: unknown[]; next?: string };
    count += items.length;
    cursor = next === undefined ? '' : `&cursor=${encodeURIComponent(next)}`;
  } while (cursor !== '');
  return count;
}

async function countAll(): Promise<number> {
  const counts = await Promise.all(patientIds().map(countRecords));
  return counts.reduce((sum, count) => sum + count, 0);
}

describe('npm start', () => {
  it('brings everything up and says so last', () => {
    expect(Object.keys(network.processes()).sort()).toEqual(STARTED);
    expect(network.output().split('\n').at(-1)).toBe('ready');
    for (const { gateway } of network.topology.organisations)
      expect(network.output()).toContain(`http://127.0.0.1:${gateway.port}`);
  });

  it('has seeded ten patients with all their entries', async () => {
    expect(patientIds()).toHaveLength(10);
    expect(await countAll()).toBe(ENTRIES);
  });

  it('tells how everybody signs in, and the passwords are right', async () => {
    const staff = ['doctor-a', 'doctor-b', 'nurse-a', 'insurer-1', 'officer-1', 'auditor-1', 'admin-a'];
    for (const memberId of staff) {
      const { role, organisation } = network.credential(memberId);
      const me = await (await signedIn(memberId)).request({ method: 'GET', path: '/v1/members/me' });
      expect(me).toMatchObject({ memberId, role, organisation });
    }
  });

  it('refuses a second network on the same folder, in one line', () => {
    const { status, lines } = start('--data', network.dataDir, '--port-base', String(portBase + 100));
    expect(status).toBe(1);
    expect(lines).toEqual([expect.stringContaining('A network is running on the data folder')]);
  });

  it('refuses taken ports in one line', () => {
    const folder = mkdtempSync(join(tmpdir(), 'medledger-'));
    const { status, lines } = start('--data', folder, '--port-base', String(portBase));
    rmSync(folder, { recursive: true });
    expect(status).toBe(1);
    expect(lines).toEqual([
      `Port ${portBase}, which is for the gateway of Hospital A, is taken; stop what listens there, or choose other ports with --port-base.`,
    ]);
  });

  it('refuses a file as data folder, in one line', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'medledger-')), 'file');
    writeFileSync(file, '');
    const { status, lines } = start('--data', file);
    rmSync(join(file, '..'), { recursive: true });
    expect(status).toBe(1);
    expect(lines).toEqual([`${file} is a file, not a folder; choose another one with --data.`]);
  });

  it.each([
    { name: 'a port that is none', args: ['--port-base', '80a'] },
    { name: 'a port too high for the ports above it', args: ['--port-base', '65500'] },
    { name: 'an option it does not know', args: ['--colour'] },
  ])('refuses $name', ({ args }) => {
    const { status, lines } = start(...args);
    expect(status).toBe(1);
    expect(lines[0]).toMatch(/^error: /);
  });

  it('explains itself', () => {
    const { status, stdout } = start('--help');
    expect(status).toBe(0);
    for (const option of ['--data', '--port-base', '--no-seed', '--demo-doctors']) expect(stdout).toContain(option);
  });
});

describe('a running network', () => {
  it.each(LEDGER_VICTIMS)('goes on by itself after %s crashed', async (victim) => {
    const before = network.processes()[victim];
    await network.crashProcess(victim);
    expect(network.processes()[victim]).not.toBe(before);
    const [patientId = ''] = patientIds();
    expect(await countRecords(patientId)).toBeGreaterThan(0);
  });

  it('leaves down a gateway that was stopped, until it is asked', async () => {
    await network.stopProcess('gateway-hospital-b');
    expect(Object.keys(network.processes())).not.toContain('gateway-hospital-b');
    await network.startStopped();
    expect(Object.keys(network.processes()).sort()).toEqual(STARTED);
  });

  it('leaves no process behind when its supervisor is killed, and resumes with all data', async () => {
    const pids = Object.values(network.processes());
    const before = network.credentials();
    await network.killAll();
    expect(pids.filter(isAlive)).toEqual([]);

    network = await runNetwork({ seed: true, portBase, dataDir: network.dataDir });
    expect(network.output()).not.toContain('patient 1 of');
    expect(network.credentials()).toEqual(before);
    expect(await countAll()).toBe(ENTRIES);
  });

  it('stops in order at SIGTERM', async () => {
    const pids = Object.values(network.processes());
    expect(await network.stop()).toEqual({ status: 0 });
    await untilGone(pids);
    expect(network.output()).toContain('stopped');
    expect(() => readFileSync(join(network.dataDir, 'processes.json'))).toThrow('ENOENT');
  });
});
