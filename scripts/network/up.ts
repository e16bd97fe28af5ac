import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { StartError } from '../start/start-error.js';
import { isHeld, type NetworkContext, runningProcesses } from './network-context.js';

export interface UpResult {
  readonly ready: true;
  readonly wasRunning: boolean;
  readonly elapsedMs: number;
  readonly supervisor: number;
}

const PROGRAM = fileURLToPath(new URL('./run-ledger.js', import.meta.url));
const READY_MS = 120_000;
const POLL_MS = 50;
const LOG_FILE = 'network.log';

/**
 * Brings the ledger up in the background and comes back when it serves; does nothing where it runs already, but for
 * starting what was stopped.
 *
 * @throws StartError with the reason when it does not come up
 */
export async function up(context: NetworkContext): Promise<UpResult> {
  const startedAtMs = Date.now();
  const { supervisor } = runningProcesses(context.dataDir);
  if (supervisor !== undefined) {
    process.kill(supervisor, 'SIGUSR2');
    context.say(`runs already (supervisor ${supervisor})`);
    return { ready: true, wasRunning: true, elapsedMs: Date.now() - startedAtMs, supervisor };
  }
  await startAndFollow(context);
  const started = runningProcesses(context.dataDir).supervisor;
  if (started === undefined) throw new StartError('The network ended right after it was ready; see its logs.');
  return { ready: true, wasRunning: false, elapsedMs: Date.now() - startedAtMs, supervisor: started };
}

async function startAndFollow(context: NetworkContext): Promise<void> {
  const { dataDir, ledger, portBase, bin } = context;
  const logs = join(dataDir, 'logs');
  // Made by the child where the folder is new: a folder that is not ours must be refused before anything is in it.
  const logPath = isHeld(dataDir) || existsAsFolder(logs) ? join(logs, LOG_FILE) : join(dataDir, '..', `.${process.pid}.${LOG_FILE}`);
  mkdirSync(join(logPath, '..'), { recursive: true });
  const fromByte = sizeOf(logPath);
  const log = openSync(logPath, 'a', 0o600);
  const args = [PROGRAM, '--data', dataDir, '--port-base', String(portBase), '--ledger', ledger];
  if (bin !== undefined) args.push('--bin', bin);
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  let ended: string | undefined;
  child.once('exit', (status, signal) => {
    ended = signal ?? `status ${status}`;
  });
  child.unref();
  const told = follower(logPath, fromByte, context.say);
  for (const untilMs = Date.now() + READY_MS; !told(); ) {
    if (ended !== undefined) throw new StartError(lastLineOf(logPath) ?? `The network ended with ${ended}.`);
    if (Date.now() > untilMs) throw new StartError(`The network is not ready after ${READY_MS / 1000} s; see ${logPath}.`);
    await wait(POLL_MS);
  }
}
