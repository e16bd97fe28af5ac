import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openDataFolder } from '../start/data-folder.js';
import { StartError } from '../start/start-error.js';
import { type NetworkContext, type PlainContext, runningProcesses } from './network-context.js';

export interface UpResult {
  readonly ready: true;
  readonly wasRunning: boolean;
  readonly elapsedMs: number;
}

const PROGRAM = fileURLToPath(new URL('./run-ledger.js', import.meta.url));
const PLAIN_PROGRAM = fileURLToPath(new URL('./run-plain-ledger.js', import.meta.url));
const READY_MS = 120_000;
const POLL_MS = 50;
const READY_LINE = 'ready';
/** What the supervisor says, in the logs folder. */
const LOG_FILE = 'network.log';

/**
 * Brings the ledger up in the background and comes back when it serves. Where it runs already, only what was stopped
 * is started.
 *
 * @throws StartError with the reason when it does not come up
 */
export async function up(context: NetworkContext): Promise<UpResult> {
  const { dataDir, ledger, portBase, topology, topologyFile, bin } = context;
  const args = [PROGRAM, '--data', dataDir, '--port-base', String(portBase), '--ledger', ledger];
  args.push('--consensus', topology.consensus);
  if (bin !== undefined) args.push('--bin', bin);
  if (topologyFile !== undefined) args.push('--topology', topologyFile);
  return upWith(context, args);
}

/** The same for a ledger without gateways. */
export function upPlain(context: PlainContext): Promise<UpResult> {
  const args = [PLAIN_PROGRAM, '--data', context.dataDir, '--topology', context.topologyFile];
  return upWith({ ...context, ledger: 'devledger' }, args);
}

type UpContext = Pick<NetworkContext, 'dataDir' | 'say' | 'ledger'> & Pick<PlainContext, 'topology'>;

async function upWith(context: UpContext, supervisorArgs: readonly string[]): Promise<UpResult> {
  const startedAtMs = Date.now();
  const { supervisor } = runningProcesses(context.dataDir);
  if (supervisor === undefined) await startAndFollow(context, supervisorArgs);
  else {
    process.kill(supervisor, 'SIGUSR2');
    context.say('runs already; what was stopped is started again');
  }
  return { ready: true, wasRunning: supervisor !== undefined, elapsedMs: Date.now() - startedAtMs };
}

async function startAndFollow(context: UpContext, supervisorArgs: readonly string[]): Promise<void> {
  const logPath = await logFile(context);
  const fromByte = existsSync(logPath) ? statSync(logPath).size : 0;
  const child = startSupervisor(supervisorArgs, logPath);
  const untilMs = Date.now() + READY_MS;
  let told = 0;
  for (let isReady = false; !isReady; ) {
    if (Date.now() > untilMs)
      throw new StartError(`The network is not ready after ${READY_MS / 1000} s; see ${logPath}.`);
    await wait(POLL_MS);
    const lines = linesUnlessEnded(child, logPath, fromByte);
    isReady = lines.includes(READY_LINE);
    // The last line is kept back: it may be the reason of an end, which is thrown.
    const telling = isReady ? lines : lines.slice(0, -1);
    for (const line of telling.slice(told)) context.say(line);
    told = Math.max(told, telling.length);
  }
}

/** @throws StartError with what it said last, when it has ended */
function linesUnlessEnded(child: ChildProcess, logPath: string, fromByte: number): readonly string[] {
  const hasEnded = child.exitCode !== null || child.signalCode !== null;
  const lines = linesFrom(logPath, fromByte);
  if (hasEnded) throw new StartError(lines.at(-1) ?? `The network ended without a word; see ${logPath}.`);
  return lines;
}

/** In a folder that is ours: one that is not is refused before anything is put into it. */
async function logFile({ dataDir, ledger, topology }: UpContext): Promise<string> {
  const { channel, consensus } = topology;
  const folder = await openDataFolder({ path: dataDir, channel, ledger, consensus, nowMs: Date.now() });
  folder.release();
  const logs = join(dataDir, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  return join(logs, LOG_FILE);
}

function startSupervisor(args: readonly string[], logPath: string): ChildProcess {
  const log = openSync(logPath, 'a', 0o600);
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.unref();
  return child;
}

/** Whole lines only. */
function linesFrom(path: string, fromByte: number): readonly string[] {
  return readFileSync(path).subarray(fromByte).toString('utf8').split('\n').slice(0, -1);
}
