import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CONSENSUS_KINDS, DEFAULT_CONSENSUS, localTopology, type Topology } from '../../network/topology.js';
import { CREDENTIALS_FILE, type Credential, parseCredentials } from '../../scripts/seed/credentials.js';
import { readRunningFile } from '../../scripts/start/running-file.js';
import { freePortBase } from './free-ports.js';

export interface NetworkOptions {
  /** Goes on with the data of an earlier run; a new temporary folder where left out. */
  readonly dataDir?: string;
  readonly portBase?: number;
  /** The ten patients; none where left out. */
  readonly seed?: boolean;
  /** At the two hospitals, in turn; counts in a new data folder. */
  readonly doctors?: number;
  /** How long a process that crashed stays down. */
  readonly restartAfterMs?: number;
}

/** The whole product as `npm start` runs it: real processes, real ports, data in a folder. */
export interface RunningNetwork {
  readonly dataDir: string;
  readonly portBase: number;
  readonly topology: Topology;
  /** What the command has printed so far. */
  output(): string;
  gatewayUrl(mspId: string): string;
  /** From demo-credentials.json, as it is now. */
  credential(memberId: string): Credential;
  credentials(): readonly Credential[];
  /** Process ids now, by name: `supervisor`, `ledger`, `chaincode-hospital-a`, `gateway-hospital-a`… */
  processes(): Readonly<Record<string, number>>;
  /** Stops one process in order; it stays down until `startStopped`. */
  stopProcess(name: string): Promise<void>;
  /** Starts all that stopProcess stopped, and waits until it serves. */
  startStopped(): Promise<void>;
  /** Ends one process as a crash would, and waits until it is back. */
  crashProcess(name: string): Promise<void>;
  /**
   * Ends one process as a crash would, does the work while it is down, has it started again and waits until it is back.
   *
   * @throws Error when it is back before the work is done
   */
  whileCrashed<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Ends the command as Ctrl-C does. */
  stop(): Promise<{ readonly status: number | null }>;
  /** Ends the command so that it can do nothing about it, and waits until its processes are gone. */
  killAll(): Promise<void>;
  /** Removes the data. */
  remove(): void;
}

const PROJECT_DIR = fileURLToPath(new URL('../..', import.meta.url));
const START_SCRIPT = join(PROJECT_DIR, 'dist/scripts/start.js');
/** `npm run test:fabric` sets it; the programs of Fabric are found by FABRIC_BIN or the PATH. */
export const LEDGER = process.env.MEDLEDGER_LEDGER ?? 'devledger';
/** How the orderers of Fabric agree; `npm run test:fabric -- --consensus bft` sets it. */
export const CONSENSUS = CONSENSUS_KINDS.find((kind) => kind === process.env.MEDLEDGER_CONSENSUS) ?? DEFAULT_CONSENSUS;
export const ORDERERS =
  CONSENSUS === 'bft' ? ['orderer', 'orderer2', 'orderer3', 'orderer4'] : ['orderer', 'orderer2', 'orderer3'];
const PROCESSES_OF_FABRIC = [...ORDERERS, 'peer-government', 'peer-hospital-a', 'peer-hospital-b'];
/** Processes that are the ledger. */
export const LEDGER_PROCESSES = LEDGER === 'fabric' ? ['guard', ...PROCESSES_OF_FABRIC] : ['ledger'];
/** Those that transactions need; each of them is to be able to crash. */
export const LEDGER_VICTIMS = LEDGER === 'fabric' ? [...PROCESSES_OF_FABRIC, 'chaincode-hospital-a'] : ['ledger'];
/** A slow machine is not an overloaded gateway: nobody is sent away. */
const PATIENT_EVENT_LOOP_MS = '600000';
const READY_MS = 240_000;
const CHANGE_MS = 240_000;
const POLL_MS = 50;
const STARTS_MAX = 3;
const PORT_TAKEN = /is taken|EADDRINUSE/;

/** @throws Error with the command's output when it does not become ready */
export async function runNetwork(options: NetworkOptions = {}): Promise<RunningNetwork> {
  if (!existsSync(START_SCRIPT)) throw new Error('The network is not built: run tsc -b first, as npm test does.');
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'medledger-'));
  for (let attempt = 1; ; attempt += 1) {
    const portBase = options.portBase ?? (await freePortBase());
    const command = startCommand(options, dataDir, portBase);
    try {
      await command.untilSaid({ isIt: (line) => line === 'ready', deadlineMs: READY_MS });
      return networkOf(command, dataDir, portBase);
    } catch (error) {
      await command.end('SIGTERM');
      // Somebody else on this machine took one of the ports meanwhile, before anything was made with them.
      const isTaken = command.lines.some((line) => PORT_TAKEN.test(line));
      if (!isTaken || options.portBase !== undefined || attempt === STARTS_MAX) throw error;
    }
  }
}

interface WantedLines {
  readonly isIt: (line: string) => boolean;
  readonly deadlineMs: number;
  /** How many of them; one where left out. */
  readonly count?: number;
  /** Lines before this one do not count. */
  readonly from?: number;
}

interface Command {
  readonly lines: readonly string[];
  untilSaid(wanted: WantedLines): Promise<void>;
  end(signal: NodeJS.Signals): Promise<{ readonly status: number | null }>;
}

function startCommand(options: NetworkOptions, dataDir: string, portBase: number): Command {
  const args = [START_SCRIPT, '--data', dataDir, '--port-base', String(portBase), '--ledger', LEDGER];
  if (LEDGER === 'fabric') args.push('--consensus', CONSENSUS);
  if (options.seed !== true) args.push('--no-seed');
  if (options.doctors !== undefined) args.push('--demo-doctors', String(options.doctors));
  if (options.restartAfterMs !== undefined) args.push('--restart-after', String(options.restartAfterMs));
  // The channel takes the network down with a test run that is killed.
  const child = spawn(process.execPath, args, {
    cwd: PROJECT_DIR,
    env: { ...process.env, MEDLEDGER_EVENT_LOOP_DELAY: PATIENT_EVENT_LOOP_MS },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lines: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    if (output !== null) createInterface({ input: output }).on('line', (line) => lines.push(line));
  }
  const ended = new Promise<{ status: number | null }>((resolve) => {
    child.once('close', (status) => resolve({ status }));
  });
  return {
    lines,
    untilSaid: (wanted) => untilSaid(child, lines, wanted),
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

async function untilSaid(child: ChildProcess, lines: readonly string[], wanted: WantedLines): Promise<void> {
  const { isIt, deadlineMs, count = 1, from = 0 } = wanted;
  const untilMs = Date.now() + deadlineMs;
  while (lines.slice(from).filter(isIt).length < count) {
    const isOver = child.exitCode !== null || child.signalCode !== null;
    if (isOver || Date.now() > untilMs) throw new Error(`the network did not say so in time:\n${lines.join('\n')}`);
    await wait(POLL_MS);
  }
}

function networkOf(command: Command, dataDir: string, portBase: number): RunningNetwork {
  const topology = localTopology(portBase, CONSENSUS);
  const credentials = () => parseCredentials(JSON.parse(readFileSync(join(dataDir, CREDENTIALS_FILE), 'utf8')));
  const processes = () => readRunningFile(dataDir);
  let stopped = 0;
  const signalAndWait = async (name: string, signal: NodeJS.Signals, end: string, count = 1) => {
    const from = command.lines.length;
    process.kill(processOf(processes(), name), signal);
    await command.untilSaid({ isIt: (line) => line.includes(end), deadlineMs: CHANGE_MS, count, from });
  };
  return {
    dataDir,
    portBase,
    topology,
    output: () => command.lines.join('\n'),
    gatewayUrl: (mspId) => `http://127.0.0.1:${organisationOf(topology, mspId).gateway.port}`,
    credentials,
    credential: (memberId) => required(credentials(), (entry) => entry.memberId === memberId, memberId),
    processes,
    stopProcess: async (name) => {
      await signalAndWait(name, 'SIGTERM', 'was stopped');
      stopped += 1;
    },
    startStopped: async () => {
      await signalAndWait('supervisor', 'SIGUSR2', 'is back', stopped);
      stopped = 0;
    },
    crashProcess: (name) => signalAndWait(name, 'SIGKILL', 'is back'),
    whileCrashed: async (name, work) => {
      const from = command.lines.length;
      process.kill(processOf(processes(), name), 'SIGKILL');
      const isBack = (line: string) => line.includes('is back');
      try {
        const done = await work();
        if (command.lines.slice(from).some(isBack)) throw new Error(`${name} was back before the work was done`);
        return done;
      } finally {
        const isNoticed = (line: string) => line.includes('starting it again');
        await command.untilSaid({ isIt: isNoticed, deadlineMs: CHANGE_MS, from });
        process.kill(processOf(processes(), 'supervisor'), 'SIGUSR2');
        await command.untilSaid({ isIt: isBack, deadlineMs: CHANGE_MS, from });
      }
    },
    stop: () => command.end('SIGTERM'),
    killAll: async () => {
      const pids = Object.values(processes());
      await command.end('SIGKILL');
      await untilGone(pids);
    },
    remove: () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** @throws Error when one of them is still there after a while */
export async function untilGone(pids: readonly number[]): Promise<void> {
  const untilMs = Date.now() + CHANGE_MS;
  while (pids.some(isAlive)) {
    if (Date.now() > untilMs) throw new Error(`processes ${pids.filter(isAlive).join(', ')} are still there`);
    await wait(POLL_MS);
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function processOf(processes: Readonly<Record<string, number>>, name: string): number {
  const pid = processes[name];
  if (pid === undefined) throw new Error(`no process ${name}: ${Object.keys(processes).join(', ')}`);
  return pid;
}

function organisationOf(topology: Topology, mspId: string) {
  return required(topology.organisations, (organisation) => organisation.mspId === mspId, mspId);
}

function required<T>(items: readonly T[], isWanted: (item: T) => boolean, name: string): T {
  const found = items.find(isWanted);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}
