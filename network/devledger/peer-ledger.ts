import type { PrivateView } from './endorse/private-view.js';
import type { PrivateDataKeeper } from './private-data/private-keeper.js';

/**
 * One peer's copy of the channel: its blocks, its world state, its history. Each peer of the process has its own;
 * nothing here is shared, so that peers can be compared, tampered with and healed.
 */
export interface Version {
  readonly blockNumber: number;
  readonly txNumber: number;
}

export interface VersionedValue {
  readonly value: Uint8Array;
  readonly version: Version;
}

export interface KeyValue extends VersionedValue {
  readonly key: string;
}

/** World state at one height: what one simulation reads, untouched by blocks that commit meanwhile. */
export interface StateSnapshot {
  /** Number of blocks committed when the snapshot was taken. */
  readonly height: number;
  /** The peer's private data at the same height; undefined for a ledger that keeps none. */
  readonly privateView?: PrivateView;
  /**
   * @returns undefined when the key is absent
   * @throws StateCorruptError when the stored bytes do not match the digest stored with them
   */
  get(namespace: string, key: string): Promise<VersionedValue | undefined>;
  /** Keys in UTF-8 byte order, start inclusive, end exclusive; empty strings mean no bound. */
  range(namespace: string, startKey: string, endKey: string): AsyncIterable<KeyValue>;
  close(): Promise<void>;
}

export interface KeyModification {
  readonly txId: string;
  readonly timestampMs: number;
  readonly isDelete: boolean;
  readonly value: Uint8Array;
}

export interface TransactionLocation {
  readonly blockNumber: number;
  readonly txNumber: number;
  /** Fabric's TxValidationCode. */
  readonly validationCode: number;
}

/** What a peer tells its listeners once a block is durable. */
export interface CommittedBlock {
  readonly blockNumber: number;
  /** Serialised common.Block, validation codes in metadata slot 2 and commit hash in slot 4. */
  readonly bytes: Uint8Array;
  readonly transactions: readonly { readonly txId: string; readonly validationCode: number }[];
}

/**
 * Blocks, state, history and transaction index of one peer. `commit` returns only when everything is fsynced;
 * it is called from one place, in block order. Reads may run at the same time from many places.
 */
export interface PeerLedger {
  readonly mspId: string;
  /** Undefined for a ledger that keeps no private data. */
  readonly privateData?: PrivateDataKeeper;
  height(): number;
  /** Whether its state can be asked; not while it is made again from the blocks because it was damaged. */
  isServing(): boolean;
  /** @throws StoreError when it does not serve */
  snapshot(): StateSnapshot;
  /**
   * Newest first.
   *
   * @param belowHeight - blocks from this one on are left out, so that a simulation sees the history of its own state
   */
  history(namespace: string, key: string, belowHeight?: number): AsyncIterable<KeyModification>;
  blockByNumber(blockNumber: number): Promise<Uint8Array | undefined>;
  blockNumberByHash(headerHash: Uint8Array): Promise<number | undefined>;
  /** Hash of the newest block's header, as Fabric computes it (SHA-256 of the DER sequence). */
  currentBlockHash(): Uint8Array;
  previousBlockHash(): Uint8Array;
  transaction(txId: string): Promise<TransactionLocation | undefined>;
  /** Running commit hash over validation codes and writes, as of the newest block. */
  commitHash(): Uint8Array;
  /**
   * Validates (duplicate id, signatures, endorsement policy, MVCC and phantoms) and commits one ordered block.
   *
   * @param block - serialised common.Block from the orderer, metadata slots 2 and 4 still empty
   */
  commit(block: Uint8Array): Promise<CommittedBlock>;
  /**
   * Begins to validate a block that is likely to be the next one, so that `commit` of the same bytes has less to do.
   * Nothing of it is kept, shown or told before.
   */
  prepare(block: Uint8Array): void;
  onCommit(listener: (block: CommittedBlock) => void): () => void;
  close(): Promise<void>;
}
