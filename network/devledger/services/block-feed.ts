import { status } from '@grpc/grpc-js';
import type { CommittedBlock } from '../peer-ledger.js';
import { type BlockSummary, summariseBlock } from './block-summary.js';
import { RpcError } from './rpc-error.js';

/** Blocks kept at hand for those who follow the ledger live, so that each need not read the file again. */
const RECENT_BLOCKS_MAX = 16;
const RECENT_SIZE_MAX_BYTES = 2 * 1024 * 1024;
const SUMMARIES_MAX = 64;

/** Blocks of a peer that were committed, or of the orderer that were cut. */
export interface FedBlocks {
  height(): number;
  blockByNumber(blockNumber: number): Promise<Uint8Array | undefined>;
  /** @param listener - told of each block that is added; one it is not given is read when somebody wants it */
  onCommit(listener: (block?: Pick<CommittedBlock, 'blockNumber' | 'bytes'>) => void): () => void;
}

/** The committed blocks of one peer as a stream that goes on with what commits next. */
export class BlockFeed {
  readonly #ledger: FedBlocks;
  readonly #unsubscribe: () => void;
  readonly #waiters = new Set<() => void>();
  readonly #recent = new Map<number, Uint8Array>();
  readonly #summaries = new Map<number, Promise<BlockSummary>>();
  #recentSizeBytes = 0;
  #failure: RpcError | undefined;

  constructor(ledger: FedBlocks) {
    this.#ledger = ledger;
    this.#unsubscribe = ledger.onCommit((block) => this.#onCommit(block));
  }

  close(): void {
    this.#unsubscribe();
  }

  /** The peer will commit nothing more: who has followed it to the end is told why, rather than left waiting. */
  fail(reason: string): void {
    this.#failure = new RpcError(status.UNAVAILABLE, reason);
    this.#wakeAll();
  }

  height(): number {
    return this.#ledger.height();
  }

  /**
   * Numbers of the committed blocks from the given one on, each as soon as it is committed; ends when aborted.
   *
   * @param from - may lie ahead of the ledger
   * @throws RpcError UNAVAILABLE when nothing more will be committed
   */
  async *follow(from: number, signal: AbortSignal): AsyncGenerator<number, void, void> {
    for (let blockNumber = from; !signal.aborted; blockNumber += 1) {
      while (blockNumber >= this.#ledger.height() && !signal.aborted) {
        if (this.#failure !== undefined) throw this.#failure;
        await this.#nextCommit(signal);
      }
      if (signal.aborted) return;
      yield blockNumber;
    }
  }

  /**
   * @returns serialised common.Block
   * @throws Error the block is not there, or its file is damaged
   */
  async block(blockNumber: number): Promise<Uint8Array> {
    const bytes = this.#recent.get(blockNumber) ?? (await this.#ledger.blockByNumber(blockNumber));
    if (bytes === undefined) throw new Error(`no such block number [${blockNumber}] in index`);
    return bytes;
  }

  async summary(blockNumber: number): Promise<BlockSummary> {
    const known = this.#summaries.get(blockNumber);
    if (known !== undefined) return known;
    const summary = this.block(blockNumber).then(summariseBlock);
    this.#summaries.set(blockNumber, summary);
    // A block that could not be read once may be healed later; only what was read is remembered.
    summary.catch(() => this.#summaries.delete(blockNumber));
    dropOldest(this.#summaries, SUMMARIES_MAX);
    return summary;
  }

  #onCommit(block?: Pick<CommittedBlock, 'blockNumber' | 'bytes'>): void {
    if (block !== undefined) this.#keep(block);
    this.#wakeAll();
  }

  #keep(block: Pick<CommittedBlock, 'blockNumber' | 'bytes'>): void {
    this.#recent.set(block.blockNumber, block.bytes);
    this.#recentSizeBytes += block.bytes.length;
    while (this.#recent.size > RECENT_BLOCKS_MAX || this.#recentSizeBytes > RECENT_SIZE_MAX_BYTES) {
      const [oldest] = this.#recent;
      if (oldest === undefined) break;
      this.#recent.delete(oldest[0]);
      this.#recentSizeBytes -= oldest[1].length;
    }
  }

  #wakeAll(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  #nextCommit(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiters.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiters.add(done);
      signal.addEventListener('abort', done);
    });
  }
}

function dropOldest<Key>(map: Map<Key, unknown>, sizeMax: number): void {
  if (map.size <= sizeMax) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
