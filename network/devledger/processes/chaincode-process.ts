import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Logger } from 'pino';
import { errorCodeOf } from '../store/file-system.js';

export interface ChaincodeProcessOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Its output is added here. */
  readonly logPath: string;
  readonly log: Logger;
}

const RESTART_MIN_MS = 250;
const RESTART_MAX_MS = 10_000;
/** One that ran for so long had started well. */
const STABLE_MS = 30_000;
const STOP_GRACE_MS = 3_000;
const REASON_BYTES = 2_000;
const LOG_MAX_BYTES = 10 * 1024 * 1024;

/**
 * Runs the program in a process group of its own, and ends the whole group when this process is gone, however it went:
 * `npm start` has a shell and a Node below it. Descriptor 3 is the other end of a pipe that only this process holds.
 */
const GROUP_SCRIPT = '(cat <&3 >/dev/null; kill -TERM 0) & exec "$@" 3<&-';

/** A chaincode that is kept running: one that ends is started again, later and later, and the log says why it ended. */
export class ChaincodeProcess {
  readonly #options: ChaincodeProcessOptions;
  #child: ChildProcess | undefined;
  /** Where in the log this run began. */
  #fromByte = 0;
  #stopping = false;
  #startedAtMs = 0;
  #delayMs = RESTART_MIN_MS;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ChaincodeProcessOptions) {
    this.#options = options;
    mkdirSync(dirname(options.logPath), { recursive: true, mode: 0o700 });
    this.#start();
  }

  /** Of its process group. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    endGroup(child, 'SIGTERM');
    const timer = setTimeout(() => endGroup(child, 'SIGKILL'), STOP_GRACE_MS);
    await ended;
    clearTimeout(timer);
    endGroup(child, 'SIGKILL');
  }

  #start(): void {
    const { program, args, cwd, env, logPath } = this.#options;
    const output = openLog(logPath);
    this.#fromByte = fstatSync(output).size;
    const child = spawn('sh', ['-c', GROUP_SCRIPT, 'chaincode', program, ...args], {
      cwd,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', output, output, 'pipe'],
    });
    closeSync(output);
    this.#child = child;
    this.#startedAtMs = Date.now();
    child.once('error', (error) => this.#ended(child, error.message));
    child.once('exit', (status, signal) => this.#ended(child, signal ?? `status ${status}`));
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    // What it had started, and the shell that watches, go with it.
    endGroup(child, 'SIGKILL');
    if (this.#stopping) return;
    if (Date.now() - this.#startedAtMs > STABLE_MS) this.#delayMs = RESTART_MIN_MS;
    const { log, logPath } = this.#options;
    log.error(
      { how, lastWords: lastLine(logPath, this.#fromByte), restartMs: this.#delayMs, logPath },
      'chaincode ended; starting it again',
    );
    this.#timer = setTimeout(() => this.#start(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, RESTART_MAX_MS);
  }
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Nobody of the group is left.
    if (errorCodeOf(error) !== 'ESRCH') throw error;
  }
}

/** A log that has grown large begins anew; the one before is kept. */
function openLog(path: string): number {
  const output = openSync(path, 'a', 0o600);
  if (fstatSync(output).size < LOG_MAX_BYTES) return output;
  closeSync(output);
  renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/** What it printed last in this run, without the colours of terminals. */
function lastLine(path: string, fromByte: number): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.max(0, Math.min(size - fromByte, REASON_BYTES)));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return stripVTControlCharacters(bytes.toString('utf8')).trim().split('\n').at(-1) ?? '';
  } finally {
    closeSync(file);
  }
}
