import { join } from 'node:path';
import type { BlocksPlace } from '../commit/block-donors.js';
import type { BlockSource } from '../commit/deliver-blocks.js';
import { DISK, type FileSystem } from '../store/file-system.js';
import { StoreError } from '../store/ledger-errors.js';
import { OrderedChain } from './block-chain.js';
import { type PendingEnvelope, PendingLog } from './pending-log.js';
import type { BlockSealing } from './seal-block.js';

export interface BatchRules {
  /** How long the oldest waiting envelope waits for others before a block is cut. */
  readonly timeoutMs: number;
  readonly maxMessageCount: number;
  /** A block may be larger only when one envelope alone is. */
  readonly preferredMaxBytes: number;
}

export interface OrdererOptions {
  readonly directory: string;
  readonly batch: BatchRules;
  /** Serialised block 0. */
  readonly genesis: Uint8Array;
  /** Told once when the orderer can no longer write; it takes no more envelopes until it is opened again. */
  readonly onFailure?: (error: StoreError) => void;
  /** Where peers keep their blocks: what is lost here is taken back from them. Default: nobody does. */
  readonly peers?: readonly BlocksPlace[];
  /** Told in a sentence what was found damaged and what was done about it. */
  readonly onIncident?: (sentence: string) => void;
  /** Told of each block that was cut how long it had been filling. */
  readonly onCut?: ((fillMs: number) => void) | undefined;
  /** What blocks are signed with; left out for a ledger that was made before orderers signed. */
  readonly sealing?: BlockSealing | undefined;
  /** Default: the disk. */
  readonly files?: FileSystem;
}

export interface Orderer extends BlockSource {
  /**
   * Durable on return: the envelope will be in a block, also after a crash. Safe to call from many places at once;
   * envelopes keep the order in which they were submitted.
   *
   * @throws StoreError when it was not accepted. After a failure of the disk it may be ordered all the same: ask for
   * its status before giving it up.
   */
  submit(envelope: Uint8Array): Promise<void>;
  /**
   * Does something while no block is being written: what it decides counts from the block that comes next.
   *
   * @param work - must not wait for anything; gets the number of that block
   */
  betweenBlocks<Result>(work: (nextBlockNumber: number) => Result): Promise<Result>;
  /** Waits for writes under way. Envelopes not in a block yet are ordered after the next start. */
  close(): Promise<void>;
}

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

/**
 * Orders envelopes into blocks. One log takes them in, in groups that share one fsync; blocks are cut from what the log
 * holds by count, size or time.
 */
export async function openOrderer(options: OrdererOptions): Promise<Orderer> {
  const { directory, files = DISK, genesis, onIncident = () => undefined, peers = [], sealing } = options;
  const folders = { blocks: join(directory, 'blocks'), heights: join(directory, 'heights') };
  const chain = await OrderedChain.open({ ...folders, genesis, files, peers, onIncident, sealing });
  try {
    const opened = await PendingLog.open(
      { directory: join(directory, 'pending'), files, onIncident },
      chain.orderedSequence,
    );
    return new SoloOrderer(options, { chain, log: opened.log, pending: opened.pending });
  } catch (error) {
    await chain.close();
    throw error;
  }
}

class SoloOrderer implements Orderer {
  readonly #options: OrdererOptions;
  readonly #chain: OrderedChain;
  readonly #log: PendingLog;
  readonly #listeners = new Set<(blockNumber: number) => void>();
  /** Asking to be accepted. */
  #arriving: Submission[] = [];
  /** Accepted, in no block yet. */
  #pending: PendingEnvelope[];
  #waitingBytes = 0;
  #nextSequence: number;
  #stopped: StoreError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #accepting: Promise<void> | undefined;
  #cutting: Promise<void> | undefined;
  #trimDue = false;
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
    this.#accepting ??= this.#acceptAll();
    await accepted;
  }

  async betweenBlocks<Result>(work: (nextBlockNumber: number) => Result): Promise<Result> {
    // Whoever waited longest may begin a block again before this goes on.
    while (this.#cutting !== undefined && this.#stopped === undefined) await this.#cutting;
    if (this.#stopped !== undefined) throw this.#stopped;
    return work(this.#chain.height);
  }

  async close(): Promise<void> {
    this.#stopped ??= new StoreError('The orderer is closed; open the ledger again.');
    clearTimeout(this.#timer);
    await this.#accepting;
    await this.#cutting;
    this.#listeners.clear();
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
      await this.#log.append(group);
    } catch (cause) {
      this.#refuse(group, cause);
      return;
    }
    this.#pending.push(...group.map(({ sequence, envelope }) => ({ sequence, envelope })));
    for (const { accept } of group) accept();
    this.#scheduleCut();
  }

  /** Nothing after a hole in the sequence may be accepted: a later group must not overtake a refused one. */
  #refuse(group: readonly Submission[], cause: unknown): void {
    const reason = writeFailure('accept transactions', cause);
    if (!reason.diskFull) this.#stop(reason);
    const refused = [...group, ...this.#arriving];
    this.#arriving = [];
    this.#waitingBytes -= sizeOf(refused);
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
    const { batch } = this.#options;
    if (this.#pending.length >= batch.maxMessageCount || sizeOf(this.#pending) >= batch.preferredMaxBytes) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#cutting = this.#cut();
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#cutting ??= this.#cut();
    }, batch.timeoutMs);
  }

  async #cut(): Promise<void> {
    const { maxMessageCount, preferredMaxBytes } = this.#options.batch;
    const batch = takeUpTo(this.#pending, { count: maxMessageCount, bytes: preferredMaxBytes });
    const sinceMs = this.#fillingSinceMs;
    const cutAtMs = performance.now();
    this.#fillingSinceMs = undefined;
    try {
      await this.#chain.append(batch);
    } catch (cause) {
      this.#cutLater(writeFailure('write blocks', cause));
      return;
    }
    this.#options.onCut?.(cutAtMs - (sinceMs ?? cutAtMs));
    this.#pending = this.#pending.slice(batch.length);
    this.#waitingBytes -= sizeOf(batch);
    this.#cutting = undefined;
    this.#trimDue = true;
    if (this.#stopped === undefined) this.#accepting ??= this.#acceptAll();
    for (const listener of this.#listeners) listener(this.#chain.height - 1);
    this.#scheduleCut();
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
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#scheduleCut();
    }, FULL_DISK_RETRY_MS);
  }

  #stop(error: StoreError): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = error;
    this.#options.onFailure?.(error);
  }
}

function writeFailure(what: string, cause: unknown): StoreError {
  const diskFull = cause instanceof StoreError && cause.diskFull;
  const next = diskFull ? 'make room on the disk; it goes on by itself' : 'check the disk and restart the ledger';
  return new StoreError(`The orderer cannot ${what}: ${next}.`, { cause, diskFull });
}

/** The longest beginning within both bounds, but at least one. */
function takeUpTo<Item extends PendingEnvelope>(
  items: readonly Item[],
  bounds: { readonly count: number; readonly bytes: number },
): Item[] {
  let bytes = 0;
  const end = items.findIndex(({ envelope }, index) => {
    bytes += envelope.length;
    return index >= bounds.count || (index > 0 && bytes > bounds.bytes);
  });
  return items.slice(0, end === -1 ? items.length : end);
}

function sizeOf(envelopes: readonly PendingEnvelope[]): number {
  return envelopes.reduce((total, { envelope }) => total + envelope.length, 0);
}
