import type { ComingBlock } from '../commit/deliver-blocks.js';
import { StoreError } from '../store/ledger-errors.js';
import { BatchTimer } from './batch-timer.js';
import type { NextBlock, OrderedChain } from './block-chain.js';
import { DiskWatch } from './disk-watch.js';
import { sizeOf, takeUpTo } from './envelope-batch.js';
import type { Orderer, OrdererOptions } from './orderer.js';
import type { PendingEnvelope, PendingLog } from './pending-log.js';
import { writeFailure } from './write-failure.js';

const ENVELOPE_MAX_BYTES = 16 * 1024 * 1024;
/** Accepted or asking to be, and not in a block yet. Above it clients are told to come back. */
const WAITING_MAX_BYTES = 64 * 1024 * 1024;
/** How often a full disk is asked whether there is room again. */
const FULL_DISK_RETRY_MS = 1000;
const GROUP_MAX_BYTES = 8 * 1024 * 1024;

interface Submission extends PendingEnvelope {
  readonly accept: () => void;
  readonly refuse: (error: Error) => void;
}

/** One orderer that has nobody to agree with. */
export class SoloOrderer implements Orderer {
  readonly #options: OrdererOptions;
  readonly #chain: OrderedChain;
  readonly #log: PendingLog;
  readonly #listeners = new Set<(blockNumber: number) => void>();
  readonly #comingListeners = new Set<(block: ComingBlock) => void>();
  /** Asking to be accepted. */
  #arriving: Submission[] = [];
  /** Accepted, in no block yet. */
  #pending: PendingEnvelope[];
  #waitingBytes = 0;
  #nextSequence: number;
  #stopped: StoreError | undefined;
  readonly #timer = new BatchTimer(() => this.#scheduleCut());
  #accepting: Promise<void> | undefined;
  #cutting: Promise<void> | undefined;
  /** The next block if nothing more comes; peers have been shown it. */
  #likely: NextBlock | undefined;
  #trimDue = false;
  readonly #logWatch = new DiskWatch('accepted transactions');
  readonly #chainWatch = new DiskWatch('a block');
  /** Since when something waits for the next block. */
  #fillingSinceMs: number | undefined;

  constructor(options: OrdererOptions, opened: { chain: OrderedChain; log: PendingLog; pending: PendingEnvelope[] }) {
    this.#options = options;
    this.#chain = opened.chain;
    this.#log = opened.log;
    this.#pending = opened.pending;
    this.#waitingBytes = sizeOf(opened.pending);
    this.#nextSequence = (opened.pending.at(-1)?.sequence ?? opened.chain.orderedSequence) + 1;
    this.#scheduleCut();
  }

  height(): number {
    return this.#chain.height;
  }

  blockByNumber(blockNumber: number): Promise<Uint8Array | undefined> {
    return this.#chain.read(blockNumber);
  }

  onBlock(listener: (blockNumber: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onComing(listener: (block: ComingBlock) => void): () => void {
    this.#comingListeners.add(listener);
    return () => this.#comingListeners.delete(listener);
  }

  async submit(envelope: Uint8Array): Promise<void> {
    if (this.#stopped !== undefined) throw this.#stopped;
    if (envelope.length === 0 || envelope.length > ENVELOPE_MAX_BYTES) {
      throw new StoreError(`A transaction has between 1 and ${ENVELOPE_MAX_BYTES} bytes, not ${envelope.length}.`);
    }
    if (this.#waitingBytes + envelope.length > WAITING_MAX_BYTES) {
      throw new StoreError('The orderer has more transactions waiting than it may hold: submit again in a second.');
    }
    const sequence = this.#nextSequence;
    this.#nextSequence += 1;
    this.#waitingBytes += envelope.length;
    const accepted = new Promise<void>((accept, refuse) => {
      this.#arriving.push({ sequence, envelope, accept, refuse });
    });
    // As in Fabric, an envelope waits from when it came, not from when it was on the disk.
    this.#timer.start(this.#options.batch.timeoutMs);
    this.#accepting ??= this.#acceptAll();
    await accepted;
  }

  async betweenBlocks<Result>(work: (nextBlockNumber: number) => Result): Promise<Result> {
    // Whoever waited longest may begin a block again before this goes on.
    while (this.#cutting !== undefined && this.#stopped === undefined) await this.#cutting;
    if (this.#stopped !== undefined) throw this.#stopped;
    // By what is decided now a peer may judge that block otherwise.
    this.#likely = undefined;
    return work(this.#chain.height);
  }

  trouble(): string | undefined {
    return this.#stopped?.message ?? this.#logWatch.trouble() ?? this.#chainWatch.trouble();
  }

  async close(): Promise<void> {
    this.#stopped ??= new StoreError('The orderer is closed; open the ledger again.');
    this.#timer.stop();
    await this.#accepting;
    await this.#cutting;
    this.#listeners.clear();
    this.#comingListeners.clear();
    await this.#log.close();
    await this.#chain.close();
  }

  /** Writes what has arrived, group by group, until nothing more has; the log has no other writer. */
  async #acceptAll(): Promise<void> {
    // Everything that was submitted in the same turn of the event loop shares the first group.
    await Promise.resolve();
    while (this.#arriving.length > 0 || this.#trimDue) {
      const group = takeUpTo(this.#arriving, { count: Number.POSITIVE_INFINITY, bytes: GROUP_MAX_BYTES });
      this.#arriving = this.#arriving.slice(group.length);
      await this.#accept(group);
      await this.#trim();
    }
    this.#accepting = undefined;
  }

  async #accept(group: readonly Submission[]): Promise<void> {
    if (group.length === 0) return;
    try {
      await this.#logWatch.during(() => this.#log.append(group));
    } catch (cause) {
      this.#refuse(group, cause);
      return;
    }
    this.#pending.push(...group.map(({ sequence, envelope }) => ({ sequence, envelope })));
    for (const { accept } of group) accept();
    this.#scheduleCut();
    // Behind the answers to those who wait for them.
    setImmediate(() => this.#showLikely());
  }

  /** In a quiet ledger most blocks have one transaction: peers judge it while it waits for others. */
  #showLikely(): void {
    if (this.#pending.length !== 1 || this.#cutting !== undefined || this.#stopped !== undefined) return;
    this.#likely = this.#chain.blockOf(this.#pending);
    this.#show(this.#likely);
  }

  #show({ header: { number }, bytes }: NextBlock): void {
    for (const listener of this.#comingListeners) listener({ number, bytes });
  }

  /** Nothing after a hole in the sequence may be accepted: a later group must not overtake a refused one. */
  #refuse(group: readonly Submission[], cause: unknown): void {
    const reason = writeFailure('accept transactions', cause);
    if (!reason.diskFull) this.#stop(reason);
    const refused = [...group, ...this.#arriving];
    this.#arriving = [];
    this.#waitingBytes -= sizeOf(refused);
    if (this.#pending.length === 0) this.#timer.stop();
    this.#nextSequence = refused[0]?.sequence ?? this.#nextSequence;
    for (const { refuse } of refused) refuse(reason);
  }

  async #trim(): Promise<void> {
    if (!this.#trimDue) return;
    this.#trimDue = false;
    try {
      await this.#log.trim(this.#chain.orderedSequence);
    } catch (cause) {
      const failure = writeFailure('tidy its log', cause);
      // What was not deleted takes up room; it is tried again behind the next block.
      if (!failure.diskFull) this.#stop(failure);
    }
  }

  #scheduleCut(): void {
    if (this.#pending.length === 0 || this.#cutting !== undefined || this.#stopped !== undefined) return;
    this.#fillingSinceMs ??= performance.now();
    const { maxMessageCount, preferredMaxBytes, timeoutMs } = this.#options.batch;
    const isFull = this.#pending.length >= maxMessageCount || sizeOf(this.#pending) >= preferredMaxBytes;
    if (!isFull && !this.#timer.isDue) {
      this.#timer.start(timeoutMs);
      return;
    }
    this.#timer.stop();
    this.#cutting = this.#cut();
  }

  async #cut(): Promise<void> {
    const { maxMessageCount, preferredMaxBytes } = this.#options.batch;
    const batch = takeUpTo(this.#pending, { count: maxMessageCount, bytes: preferredMaxBytes });
    const isLikely = batch.length === 1 && batch[0]?.sequence === this.#likely?.lastSequence;
    const next = (isLikely ? this.#likely : undefined) ?? this.#chain.blockOf(batch);
    this.#likely = undefined;
    const sinceMs = this.#fillingSinceMs;
    const cutAtMs = performance.now();
    this.#fillingSinceMs = undefined;
    try {
      await this.#chainWatch.during(() => this.#chain.append(next, () => this.#show(next)));
    } catch (cause) {
      this.#cutLater(writeFailure('write blocks', cause));
      return;
    }
    this.#options.onCut?.(cutAtMs - (sinceMs ?? cutAtMs));
    this.#pending = this.#pending.slice(batch.length);
    this.#waitingBytes -= sizeOf(batch);
    this.#trimDue = true;
    if (this.#stopped === undefined) this.#accepting ??= this.#acceptAll();
    for (const listener of this.#listeners) listener(next.header.number);
    await this.#noteHeight();
    this.#cutting = undefined;
    this.#scheduleCut();
  }

  /** The block is there whatever becomes of the note, which is a lower bound. */
  async #noteHeight(): Promise<void> {
    try {
      await this.#chain.noteHeight();
    } catch (cause) {
      const failure = writeFailure('note its height', cause);
      if (!failure.diskFull) this.#stop(failure);
    }
  }

  /** What was accepted waits until there is room. */
  #cutLater(failure: StoreError): void {
    if (!failure.diskFull) {
      this.#stop(failure);
      return;
    }
    this.#options.onIncident?.(failure.message);
    this.#cutting = undefined;
    if (this.#stopped !== undefined) return;
    this.#timer.stop();
    this.#timer.start(FULL_DISK_RETRY_MS);
  }

  #stop(error: StoreError): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = error;
    this.#options.onFailure?.(error);
  }
}
