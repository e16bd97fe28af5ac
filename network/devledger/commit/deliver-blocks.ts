import type { PeerLedger } from '../peer-ledger.js';
import { StoreError } from '../store/ledger-errors.js';
import { parseBlock } from './block-codec.js';
import { blockHeaderHash } from './block-hash.js';
import { CommitTrials, type TriedPeer } from './commit-trials.js';
import { sameBytes } from './replay-block.js';
import type { RulesByBlock } from './rules-by-block.js';

/** A block that waits for company or is being written. It may come to nothing, and another take its place. */
export interface ComingBlock {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Where peers get their blocks: the orderer. */
export interface BlockSource {
  height(): number;
  blockByNumber(blockNumber: number): Promise<Uint8Array | undefined>;
  /** Called after each new block; returns how to stop being called. */
  onBlock(listener: (blockNumber: number) => void): () => void;
  /** Called before, with what may be the next block, also several times; `blockByNumber` gives the same bytes. */
  onComing(listener: (block: ComingBlock) => void): () => void;
}

export interface DeliveryOptions {
  readonly source: BlockSource;
  readonly peers: readonly PeerLedger[];
  /** By which it is found out who is right where peers conclude differently. */
  readonly rules: RulesByBlock;
  /** A peer gets no more blocks until the process is restarted; the others go on. */
  readonly onSetAside: (mspId: string, sentence: string) => void;
  /** A peer waits for room on its disk. */
  readonly onWaiting?: (mspId: string, sentence: string) => void;
}

/** How often a full disk is asked whether there is room again. */
const FULL_DISK_RETRY_MS = 1000;

export interface BlockDelivery {
  /** Sentence by MSP id of the peers that get no more blocks. */
  readonly setAside: ReadonlyMap<string, string>;
  /** Sentence by MSP id of the peers that wait for room on their disk. */
  readonly waiting: ReadonlyMap<string, string>;
  /** Feeds one more peer, from where it is. */
  add(peer: PeerLedger): void;
  /** Resolves when nothing is committed by this peer any more. */
  remove(mspId: string): Promise<void>;
  /** Resolves when every peer still fed has the blocks the orderer has now, and they were compared. */
  caughtUp(): Promise<void>;
  /** Resolves when no block is being committed any more. */
  stop(): Promise<void>;
}

/**
 * Feeds every peer by itself, each from its own height on, so that a slow or broken peer holds up nobody. Peers that
 * were behind at the start are brought up the same way.
 */
export function deliverBlocks({ source, peers, rules, onSetAside, onWaiting }: DeliveryOptions): BlockDelivery {
  const setAside = new Map<string, string>();
  const feeds = new Map<string, RunningFeed>();
  const trials = new CommitTrials(rules, (mspId) => feeds.get(mspId)?.feed);
  const waiting = new Map<string, string>();
  const onCommitted = (peer: PeerLedger) => {
    waiting.delete(peer.mspId);
    trials.committed(peer);
  };
  const onPeerWaits = (mspId: string, sentence: string) => {
    waiting.set(mspId, sentence);
    onWaiting?.(mspId, sentence);
  };
  const add = (peer: PeerLedger) => {
    const { mspId } = peer;
    setAside.delete(mspId);
    trials.forget(mspId);
    const feed = new PeerFeed(peer, source, { onCommitted, onWaiting: onPeerWaits });
    const ended = feed.run().then((sentence) => {
      if (sentence === undefined) return;
      setAside.set(mspId, sentence);
      onSetAside(mspId, sentence);
    });
    feeds.set(mspId, { feed, ended });
  };
  for (const peer of peers) add(peer);
  const stopListening = source.onBlock(() => {
    for (const { feed } of feeds.values()) feed.wake();
  });
  const stopComing = source.onComing((block) => {
    for (const { feed } of feeds.values()) feed.prepare(block);
  });
  const end = async ({ feed, ended }: RunningFeed) => {
    feed.stop();
    await ended;
  };
  return {
    setAside,
    waiting,
    add,
    remove: async (mspId) => {
      await trials.settled();
      const running = feeds.get(mspId);
      feeds.delete(mspId);
      trials.forget(mspId);
      waiting.delete(mspId);
      if (running !== undefined) await end(running);
    },
    caughtUp: async () => {
      const height = source.height();
      await Promise.all([...feeds.values()].map(({ feed }) => feed.reached(height)));
      await trials.settled();
      // Whoever was found wrong is out of service before anybody is told that all is well.
      await Promise.all([...feeds.values()].filter(({ feed }) => feed.isCondemned).map(({ ended }) => ended));
    },
    stop: async () => {
      stopListening();
      stopComing();
      await trials.settled();
      await Promise.all([...feeds.values()].map(end));
      await trials.settled();
    },
  };
}

interface FeedListeners {
  readonly onCommitted: (peer: PeerLedger) => void;
  readonly onWaiting: (mspId: string, sentence: string) => void;
}

interface RunningFeed {
  readonly feed: PeerFeed;
  readonly ended: Promise<void>;
}

class PeerFeed implements TriedPeer {
  readonly peer: PeerLedger;
  readonly #source: BlockSource;
  readonly #listeners: FeedListeners;
  #condemned: string | undefined;
  /** Not compared with the others yet, or on trial. */
  #isHeld = true;
  #coming: ComingBlock | undefined;
  #running = true;
  #wake: () => void = () => undefined;
  #waiting: { height: number; resolve: () => void }[] = [];

  constructor(peer: PeerLedger, source: BlockSource, listeners: FeedListeners) {
    this.peer = peer;
    this.#source = source;
    this.#listeners = listeners;
  }

  /** @returns why the peer was set aside; undefined when it was stopped */
  async run(): Promise<string | undefined> {
    try {
      await this.#reconcile();
      this.#isHeld = false;
      this.#listeners.onCommitted(this.peer);
      while (this.#running) {
        if (this.#condemned !== undefined) throw new Error(this.#condemned);
        this.#announce();
        if (this.#mayCommit()) await this.#commitNext();
        else await this.#nextBlock();
      }
      return undefined;
    } catch (error) {
      return `Peer ${this.peer.mspId} is set aside at height ${this.peer.height()}: ${messageOf(error)}`;
    } finally {
      this.#running = false;
      this.#announce();
    }
  }

  /** Lets the peer work on a block while the orderer writes it. */
  prepare(block: ComingBlock): void {
    this.#coming = block;
    if (this.#running) this.#prepareComing();
  }

  wake(): void {
    this.#wake();
  }

  get isCondemned(): boolean {
    return this.#condemned !== undefined;
  }

  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#wake();
  }

  condemn(reason: string): void {
    this.#condemned = reason;
    this.#wake();
  }

  stop(): void {
    this.#running = false;
    this.#wake();
  }

  reached(height: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ height, resolve });
      this.#announce();
    });
  }

  /** Peer and orderer must have the same history before one continues the other's. */
  async #reconcile(): Promise<void> {
    const height = this.peer.height();
    if (height > this.#source.height()) {
      throw new Error(
        `it has ${height} blocks and the orderer only ${this.#source.height()}. ` +
          "The orderer's folder was replaced or cut; bring it back from a copy.",
      );
    }
    const bytes = await this.#source.blockByNumber(height - 1);
    if (bytes !== undefined && sameBytes(blockHeaderHash(parseBlock(bytes)), this.peer.currentBlockHash())) return;
    throw new Error(
      `its block ${height - 1} is not the orderer's. Move this peer's folder away: it is filled again from the orderer.`,
    );
  }

  async #commitNext(): Promise<void> {
    const number = this.peer.height();
    const bytes = await this.#source.blockByNumber(number);
    if (bytes === undefined) throw new Error(`the orderer has no block ${number}.`);
    try {
      await this.peer.commit(bytes);
      this.#listeners.onCommitted(this.peer);
    } catch (error) {
      if (!(error instanceof StoreError && error.diskFull)) throw error;
      this.#listeners.onWaiting(this.peer.mspId, error.message);
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    const timer = setTimeout(() => this.#wake(), FULL_DISK_RETRY_MS);
    await this.#nextBlock();
    clearTimeout(timer);
  }

  #prepareComing(): void {
    if (this.#coming?.number !== this.peer.height()) return;
    this.peer.prepare(this.#coming.bytes);
    this.#coming = undefined;
  }

  async #nextBlock(): Promise<void> {
    // The next one may have begun to be written while the one before it was being committed.
    this.#prepareComing();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #mayCommit(): boolean {
    return !this.#isHeld && this.peer.height() < this.#source.height();
  }

  #announce(): void {
    if (this.#isHeld && this.#running) return;
    const height = this.#running ? this.peer.height() : Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiting) if (waiter.height <= height) waiter.resolve();
    this.#waiting = this.#waiting.filter((waiter) => waiter.height > height);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
