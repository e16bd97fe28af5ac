import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { errorCodeOf } from '../store/file-system.js';
import { boundLog, howItEnded, lastWords } from './chaincode-log.js';

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
const LOG_LOOK_MS = 5_000;

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
  readonly #logTimer: NodeJS.Timeout;
  #ends: { readonly times: number; readonly how: string; readonly words: string } | undefined;

  constructor(options: ChaincodeProcessOptions) {
    this.#options = options;
    mkdirSync(dirname(options.logPath), { recursive: true, mode: 0o700 });
    boundLog(options.logPath);
    this.#logTimer = setInterval(() => boundLog(options.logPath), LOG_LOOK_MS);
    this.#logTimer.unref();
    this.#start();
  }

  /** How often it has ended by itself, how the last time, and what it said then; undefined while it never did. */
  get ends(): { readonly times: number; readonly how: string; readonly words: string } | undefined {
    return this.#ends;
  }

  /** Of its process group. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    clearInterval(this.#logTimer);
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
    const output = openSync(logPath, 'a', 0o600);
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
    child.once('exit', (status, signal) => this.#ended(child, howItEnded(status, signal)));
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    // What it had started, and the shell that watches, go with it.
    endGroup(child, 'SIGKILL');
    if (this.#stopping) return;
    if (Date.now() - this.#startedAtMs > STABLE_MS) this.#delayMs = RESTART_MIN_MS;
    const { log, logPath } = this.#options;
    const words = lastWords(logPath, this.#fromByte);
    this.#ends = { times: (this.#ends?.times ?? 0) + 1, how, words };
    log.error({ how, lastWords: words, restartMs: this.#delayMs, logPath }, 'chaincode ended; starting it again');
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
