import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ProcessPlan } from '../../../scripts/start/process-plan.js';
import { Supervisor, type SupervisorOptions } from '../../../scripts/start/supervisor.js';
import { untilTrue } from '../../support/eventually.js';
import { isAlive } from '../../support/running-network.js';

const SERVICE = fileURLToPath(new URL('../fixtures/service.mjs', import.meta.url));
/** Does nothing: what ends a child with its parent is tested with real parents in test/journeys. */
const PRELOAD = 'data:text/javascript,';

let folder: string;
let said: string[];
let running: Readonly<Record<string, number>>;
let supervisor: Supervisor;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'supervisor-'));
  said = [];
  running = {};
});
afterEach(async () => {
  supervisor.kill();
  await supervisor.stop();
  rmSync(folder, { recursive: true, force: true });
});

function supervise(options: Partial<SupervisorOptions> = {}): Supervisor {
  supervisor = new Supervisor({
    logDir: join(folder, 'logs'),
    preload: PRELOAD,
    say: (line) => said.push(line),
    onChange: (processes) => {
      running = processes;
    },
    readyMs: 120_000,
    graceMs: 120_000,
    restartDelaysMs: [10, 20],
    ...options,
  });
  return supervisor;
}

function service(name: string, behaviour = 'runs'): ProcessPlan {
  return {
    name,
    title: `the ${name}`,
    args: [SERVICE, behaviour, join(folder, 'notes')],
    cwd: folder,
    env: {},
    readiness: { kind: 'line', member: 'ready', warnings: 'setAside' },
  };
}

/** What the services have noted, in order. */
function notes(): { what: string; pid: number }[] {
  if (!existsSync(join(folder, 'notes'))) return [];
  const lines = readFileSync(join(folder, 'notes'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => ({ what: line.split(' ', 1).join(''), pid: Number(line.split(' ').at(-1)) }));
}

function until(condition: () => boolean): Promise<boolean> {
  return untilTrue(condition, Boolean);
}

describe('Supervisor', () => {
  it('waits until processes are ready and tells who runs', async () => {
    await supervise().startGroup([service('one'), service('two')]);
    expect(Object.keys(running)).toEqual(['one', 'two']);
    expect(Object.values(running).every(isAlive)).toBe(true);
  });

  it('stops the last group first', async () => {
    await supervise().startGroup([service('first')]);
    await supervisor.startGroup([service('last')]);
    const { first, last } = running;
    await supervisor.stop();
    const stopped = notes().filter(({ what }) => what === 'stopping');
    expect(stopped.map(({ pid }) => pid)).toEqual([last, first]);
    expect(running).toEqual({});
  });

  it('ends by force what does not stop', async () => {
    await supervise({ graceMs: 200 }).startGroup([service('hanging', 'hangs')]);
    const pid = running.hanging ?? 0;
    await supervisor.stop();
    expect(isAlive(pid)).toBe(false);
  });

  it('tells in one line why a process did not become ready, and where its log is', async () => {
    await expect(supervise().startGroup([service('store', 'fails')])).rejects.toThrow(
      `The store ended before it was ready: Error: the store is locked; stop what uses it. (log: ${join(folder, 'logs', 'store.log')})`,
    );
  });

  it('passes on what a process warns of', async () => {
    await supervise().startGroup([service('one'), service('two', 'warns')]);
    expect(said).toEqual(['the two warns: A: the disk of A is full']);
  });

  it('goes on without a process that may lag, and tells', async () => {
    const lagging = { ...service('late', 'lags'), mayLag: true };
    await supervise({ readyMs: 10_000 }).startGroup([service('one'), lagging]);
    expect(said).toEqual([expect.stringContaining('The late was not ready within 10 s')]);
    expect(Object.keys(running)).toEqual(['one', 'late']);
  });

  it.each([
    { name: 'must not lag', mayLag: false, message: 'The late was not ready within 0.5 s' },
    { name: 'is the only one', mayLag: true, message: 'None of the late is ready.' },
  ])('does not go on without a process that $name', async ({ mayLag, message }) => {
    const group = [{ ...service('late', 'lags'), mayLag }];
    await expect(supervise({ readyMs: 500 }).startGroup(group)).rejects.toThrow(message);
  });
});

describe('Supervisor, when a process ends', () => {
  it('starts again what crashed', async () => {
    await supervise().startGroup([service('one')]);
    const before = running.one ?? 0;
    process.kill(before, 'SIGKILL');
    await until(() => said.includes('the one is back'));
    expect(said[0]).toBe('the one ended (SIGKILL); starting it again in 10 ms');
    expect(running.one).not.toBe(before);
  });

  it('starts at once what waits to be started again, when it is asked', async () => {
    await supervise({ restartDelaysMs: [600_000] }).startGroup([service('one')]);
    process.kill(running.one ?? 0, 'SIGKILL');
    await until(() => said.includes('the one ended (SIGKILL); starting it again in 600000 ms'));
    supervisor.restartStopped();
    await until(() => said.includes('the one is back'));
    expect(Object.keys(running)).toEqual(['one']);
  });

  it('gives up on what crashes again and again', async () => {
    await supervise().startGroup([service('weak', 'crashes')]);
    const error = await supervisor.failed;
    expect(error.message).toContain('the weak ended 3 times within a minute; the reason is in');
    expect(notes().filter(({ what }) => what === 'started')).toHaveLength(3);
  });

  it('leaves down what was stopped by hand, until it is asked', async () => {
    await supervise().startGroup([service('one')]);
    process.kill(running.one ?? 0, 'SIGTERM');
    await until(() => said.length > 0);
    await wait(100);
    expect(running).toEqual({});
    supervisor.restartStopped();
    await until(() => said.includes('the one is back'));
    expect(Object.keys(running)).toEqual(['one']);
  });

  it('keeps what a process said', async () => {
    await supervise().startGroup([service('one')]);
    await supervisor.stop();
    expect(readFileSync(join(folder, 'logs', 'one.log'), 'utf8')).toContain('"ready":true');
  });
});
