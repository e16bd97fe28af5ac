import { Worker } from 'node:worker_threads';
import { solve } from '@medledger/chaincode/domain';
import { LedgerFailure } from './ledger-failure.js';

export interface SolvedNonce {
  /** Eight bytes. */
  readonly nonceHex: string;
  readonly attempts: number;
}

/** Solves puzzles beside the event loop. Safe to call at once from many places: puzzles queue for a thread. */
export interface NonceSolver {
  /**
   * @param headerHash - 32 bytes
   * @throws LedgerFailure OVERLOADED when the queue is full, INTERNAL when no nonce is found or a thread dies twice
   */
  solve(headerHash: Uint8Array, difficulty: number): Promise<SolvedNonce>;
  close(): Promise<void>;
}

export interface NonceSolverOptions {
  /** Worker threads; they start when the first hard puzzle comes. */
  readonly threads: number;
  /**
   * Puzzles of at most this difficulty are solved on the calling thread. Default INLINE_DIFFICULTY_MAX.
   */
  readonly inlineDifficultyMax?: number;
  readonly queuedMax?: number;
}

export interface PuzzleMessage {
  readonly id: number;
  readonly headerHash: Uint8Array;
  readonly difficulty: number;
  readonly attemptsMax: number;
}

export type SolutionMessage = { readonly id: number } & Partial<SolvedNonce>;

/**
 * Measured on one core: a round trip to a thread costs 51 µs of CPU, 28 of them here; a nonce of 2^8 costs 80, of 2^9
 * 140, of 2^12 760. Below this the thread is not worth its postage; above it the event loop is kept free.
 */
export const INLINE_DIFFICULTY_MAX = 2 ** 8;
/** Probability of no solution within this many times the expected attempts: e^-64. */
const ATTEMPTS_PER_DIFFICULTY = 64;
const QUEUED_MAX = 10_000;

interface Job {
  readonly message: PuzzleMessage;
  readonly resolve: (solution: SolvedNonce) => void;
  readonly reject: (error: unknown) => void;
  /** A thread that died under it is replaced once. */
  retried: boolean;
}

export function createNonceSolver(options: NonceSolverOptions): NonceSolver {
  const pool = new SolverPool(options.threads, options.queuedMax ?? QUEUED_MAX);
  const inlineDifficultyMax = options.inlineDifficultyMax ?? INLINE_DIFFICULTY_MAX;
  return {
    solve: async (headerHash, difficulty) => {
      const attemptsMax = difficulty * ATTEMPTS_PER_DIFFICULTY;
      if (difficulty > inlineDifficultyMax) return pool.solve(headerHash, difficulty, attemptsMax);
      return foundNonce(solve({ headerHash, difficulty, attemptsMax }), difficulty);
    },
    close: () => pool.close(),
  };
}

/** Where the worker lies: beside this file, compiled or not. */
function workerUrl(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./nonce-worker.${extension}`, import.meta.url);
}

function foundNonce(solution: Partial<SolvedNonce> | undefined, difficulty: number): SolvedNonce {
  if (solution?.nonceHex !== undefined && solution.attempts !== undefined)
    return { nonceHex: solution.nonceHex, attempts: solution.attempts };
  throw new LedgerFailure('INTERNAL', `no nonce of difficulty ${difficulty} was found`);
}

class SolverPool {
  readonly #threads: number;
  readonly #queuedMax: number;
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job>();
  readonly #queue: Job[] = [];
  #nextId = 0;
  #closed = false;

  constructor(threads: number, queuedMax: number) {
    this.#threads = threads;
    this.#queuedMax = queuedMax;
  }

  solve(headerHash: Uint8Array, difficulty: number, attemptsMax: number): Promise<SolvedNonce> {
    if (this.#closed) return Promise.reject(new LedgerFailure('LEDGER_UNAVAILABLE', 'the gateway is stopping'));
    if (this.#queue.length >= this.#queuedMax)
      return Promise.reject(new LedgerFailure('OVERLOADED', `${this.#queuedMax} puzzles are waiting to be solved`));
    this.#nextId += 1;
    const message: PuzzleMessage = { id: this.#nextId, headerHash, difficulty, attemptsMax };
    return new Promise((resolve, reject) => {
      this.#queue.push({ message, resolve, reject, retried: false });
      this.#next();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const workers = [...this.#idle, ...this.#busy.keys()];
    const stopping = new LedgerFailure('LEDGER_UNAVAILABLE', 'the gateway is stopping');
    for (const { reject } of [...this.#queue, ...this.#busy.values()]) reject(stopping);
    this.#queue.length = 0;
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #next(): void {
    if (this.#queue.length === 0) return;
    const worker = this.#idle.pop() ?? this.#start();
    if (worker === undefined) return;
    const job = this.#queue.shift();
    if (job === undefined) return;
    this.#busy.set(worker, job);
    worker.ref();
    worker.postMessage(job.message);
  }

  #start(): Worker | undefined {
    if (this.#idle.length + this.#busy.size >= this.#threads) return undefined;
    const worker = new Worker(workerUrl());
    let failure: unknown;
    worker.on('message', (answer: SolutionMessage) => this.#onSolution(worker, answer));
    worker.on('error', (error) => {
      failure = error;
    });
    worker.on('exit', () => this.#onExit(worker, failure));
    return worker;
  }

  #onSolution(worker: Worker, answer: SolutionMessage): void {
    const job = this.#busy.get(worker);
    this.#busy.delete(worker);
    // An idle thread does not keep the process alive.
    worker.unref();
    this.#idle.push(worker);
    this.#next();
    if (job === undefined) return;
    try {
      job.resolve(foundNonce(answer, job.message.difficulty));
    } catch (error) {
      job.reject(error);
    }
  }

  #onExit(worker: Worker, cause: unknown): void {
    const job = this.#busy.get(worker);
    this.#busy.delete(worker);
    const place = this.#idle.indexOf(worker);
    if (place >= 0) this.#idle.splice(place, 1);
    if (this.#closed || job === undefined) return;
    if (job.retried) job.reject(new LedgerFailure('INTERNAL', 'the solver thread died twice', { cause }));
    else this.#queue.unshift({ ...job, retried: true });
    this.#next();
  }
}
