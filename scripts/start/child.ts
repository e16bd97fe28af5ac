import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { ProcessLog } from './process-log.js';
import type { ProcessPlan } from './process-plan.js';
import { isReady, readReadyLine } from './readiness.js';
import { StartError } from './start-error.js';

/** How a process ended. */
export interface ChildEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

const READY_POLL_MS = 50;
/** Of the output: enough for a ready line and for the reason of an early end. */
const LINES_KEPT = 50;
const LINE_CHARACTERS_MAX = 2_000;

/** One run of a process of the network. Its output goes to its log. */
export class Child {
  readonly ended: Promise<ChildEnd>;
  readonly #process: ChildProcess;
  readonly #plan: ProcessPlan;
  readonly #log: ProcessLog;
  readonly #lines: { readonly source: 'stdout' | 'stderr'; readonly text: string }[] = [];
  #readyLine: ReadonlyMap<string, unknown> | undefined;
  #hasEnded = false;

  /** @param preload - URL of the module that ends the process with this one */
  constructor(plan: ProcessPlan, preload: string, log: ProcessLog) {
    this.#plan = plan;
    this.#log = log;
    const args = plan.program === undefined ? ['--import', preload, ...plan.args] : [...plan.args];
    const child = spawn(plan.program ?? process.execPath, args, {
      cwd: plan.cwd,
      env: { ...process.env, ...plan.env },
      // Standard input tells the child when this process is gone.
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own: a terminal's Ctrl-C reaches this process alone, which then stops all in order.
      detached: true,
    });
    // A child that ended first breaks the pipe; its end is told below.
    child.stdin.on('error', () => {});
    this.#record(child.stdout, 'stdout');
    this.#record(child.stderr, 'stderr');
    this.#process = child;
    this.ended = this.#untilEnded();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What it told the operator when it became ready. */
  get warnings(): readonly string[] {
    const { readiness } = this.#plan;
    const given = readiness.kind === 'line' ? this.#readyLine?.get(readiness.warnings ?? '') : undefined;
    if (typeof given !== 'object' || given === null) return [];
    return Object.entries(given).map(([name, sentence]) => `${name}: ${String(sentence)}`);
  }

  /** @throws StartError when it ends first, or does not serve within the time */
  async whenReady(deadlineMs: number): Promise<void> {
    const untilMs = Date.now() + deadlineMs;
    while (!(await this.#isReady())) {
      if (this.#hasEnded) throw this.#notReady('ended before it was ready');
      if (Date.now() >= untilMs) throw this.#notReady(`was not ready within ${deadlineMs / 1000} s`);
      await wait(READY_POLL_MS);
    }
    // Somebody else may answer at its address.
    if (this.#hasEnded) throw this.#notReady('ended before it was ready');
  }

  /** Asks it to end, and makes it end after the time. */
  async stop(graceMs: number): Promise<void> {
    this.#signal('SIGTERM');
    const forced = setTimeout(() => this.kill(), graceMs);
    await this.ended;
    clearTimeout(forced);
  }

  kill(): void {
    this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#process.kill(signal);
  }

  #untilEnded(): Promise<ChildEnd> {
    return new Promise((resolve) => {
      const end = (status: number | null, signal: NodeJS.Signals | null) => {
        this.#hasEnded = true;
        resolve({ status, signal });
      };
      this.#process.once('error', (error) => {
        this.#keep('stderr', error.message);
        if (this.#process.pid === undefined) end(null, null);
      });
      // Not 'exit': by now the last lines of its output are read.
      this.#process.once('close', end);
    });
  }

  async #isReady(): Promise<boolean> {
    const { readiness } = this.#plan;
    return readiness.kind === 'line' ? this.#readyLine !== undefined : isReady(readiness);
  }

  #record(output: Readable, source: 'stdout' | 'stderr'): void {
    output.on('data', (bytes: Uint8Array) => this.#log.append(bytes));
    createInterface({ input: output }).on('line', (line) => this.#keep(source, line));
  }

  #keep(source: 'stdout' | 'stderr', line: string): void {
    const { readiness } = this.#plan;
    if (source === 'stdout' && readiness.kind === 'line') this.#readyLine ??= readReadyLine(line, readiness.member);
    if (line.trim() === '') return;
    this.#lines.push({ source, text: line.slice(0, LINE_CHARACTERS_MAX) });
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
  }

  /** What it said last, in the words meant for people: an error's, before what only a log would hold. */
  #reason(): string {
    const errors = this.#lines.filter(({ source }) => source === 'stderr').map(({ text }) => text);
    const thrown = errors.findLast((text) => THROWN.test(text));
    return thrown ?? readable(errors.at(-1) ?? this.#lines.at(-1)?.text ?? 'it said nothing');
  }

  #notReady(what: string): StartError {
    return new StartError(`${capital(this.#plan.title)} ${what}: ${this.#reason()} (log: ${this.#log.path})`);
  }
}

/** First line that Node prints of an error nobody caught, e.g. `TypeError [ERR_…]: …`. */
const THROWN = /^\w*Error\b/;

/** A line of a JSON log says what matters in `err` or `msg`. */
function readable(line: string): string {
  try {
    return parseLogLine(line) ?? line;
  } catch (error) {
    if (error instanceof SyntaxError) return line;
    throw error;
  }
}

function parseLogLine(line: string): string | undefined {
  const { err, msg } = JSON.parse(line) as { err?: { message?: string }; msg?: string };
  return err?.message ?? msg;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
