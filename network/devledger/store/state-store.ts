import type { StateSnapshot, TransactionLocation, Version } from '../peer-ledger.js';
import { DISK } from './file-system.js';
import { decodeErasure, type ErasureDue } from './erasure-due.js';
import { HeightMark } from './height-mark.js';
import {
  blockHashKey,
  blockKey,
  encodeVersion,
  ERASURE_KEY,
  historyKey,
  historyRange,
  readVersion,
  stateKey,
  TIP_KEY,
  transactionKey,
  VERSION_BYTES,
} from './row-keys.js';
import { type DatabaseOptions, type RowWrite, StateDatabase } from './state-database.js';
import { LeasedSnapshot, SnapshotLease } from './state-snapshot.js';
import { decodeTip, encodeTip, type LedgerTip } from './tip.js';

export interface StateWrite {
  readonly namespace: string;
  readonly key: string;
  /** Undefined deletes the key. */
  readonly value: Uint8Array | undefined;
  readonly version: Version;
}

export interface HistoryWrite {
  readonly namespace: string;
  readonly key: string;
  readonly version: Version;
}

/** Everything one block changes in the database. */
export interface BlockRows {
  readonly tip: LedgerTip;
  readonly writes: readonly StateWrite[];
  readonly history: readonly HistoryWrite[];
  readonly transactions: readonly { readonly txId: string; readonly txNumber: number; readonly code: number }[];
  /** Rows of private data, ready to be written; they are no part of what blocks say. */
  readonly privateRows?: readonly RowWrite[];
}

/** Beside the folder of the state: what it tells of the blocks holds also when the state is made anew. */
export function heightMarkPath(stateDirectory: string): string {
  return `${stateDirectory}.height`;
}

/** World state, history, transaction index and height of one peer, in one database of its own. */
export class StateStore {
  readonly #database: StateDatabase;
  readonly #mark: HeightMark;
  readonly #peer: string;
  #tip: LedgerTip | undefined;
  #erasure: ErasureDue | undefined;
  #lease: SnapshotLease;

  private constructor(stores: { database: StateDatabase; mark: HeightMark }, peer: string) {
    this.#database = stores.database;
    this.#mark = stores.mark;
    this.#peer = peer;
    const row = stores.database.get(TIP_KEY);
    this.#tip = row === undefined ? undefined : decodeTip(row);
    this.#erasure = this.#readErasure();
    this.#lease = new SnapshotLease(stores.database.snapshot(), this.#tip?.height ?? 0);
  }

  /**
   * @throws StoreError when the database is in use
   * @throws StateCorruptError when it is not what was written
   */
  static async open(directory: string, peer: string, options: DatabaseOptions = {}): Promise<StateStore> {
    const database = await StateDatabase.open(directory, peer, options);
    try {
      const mark = await HeightMark.open(options.files ?? DISK, heightMarkPath(directory));
      return new StateStore({ database, mark }, peer);
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** Where the state ends. After a crash that is behind the blocks, which are to be applied again. */
  get tip(): LedgerTip | undefined {
    return this.#tip;
  }

  /** As many blocks as this at least had been acknowledged. */
  get acknowledgedHeight(): number {
    return Math.max(this.#mark.height, this.#tip?.height ?? 0);
  }

  /**
   * Sees to it that the next block's rows find room: asked before that block is written.
   *
   * @throws StoreError when there is none
   */
  makeRoom(): Promise<void> {
    return this.#database.makeRoom();
  }

  /**
   * All of a block or nothing; one caller at a time. Its block is durable before: what a crash takes of the state is
   * made again from it.
   */
  async apply(rows: BlockRows): Promise<void> {
    const marked = this.#mark.set(Math.max(this.#mark.height, rows.tip.height));
    await Promise.all([marked, this.#database.write(encodeBlockRows(rows))]);
    this.#tip = rows.tip;
    if (rows.privateRows !== undefined && rows.privateRows.length > 0) this.#erasure = this.#readErasure();
    // One database snapshot per block serves every simulation that begins before the next block.
    const previous = this.#lease;
    this.#lease = new SnapshotLease(this.#database.snapshot(), rows.tip.height);
    previous.retire();
  }

  /** Atomic and durable on return: rows that belong to no block, so that nothing makes them again. */
  async putRows(rows: readonly RowWrite[]): Promise<void> {
    await this.#database.write(rows);
    this.letGo();
    await this.#database.flush();
  }

  /** Private data that wait to be taken out of the files. */
  get erasure(): ErasureDue | undefined {
    return this.#erasure;
  }

  /** Nothing waits any more, unless more was asked for meanwhile. As the other writes: one caller at a time. */
  async endErasure(asked: ErasureDue): Promise<void> {
    if (this.#erasure?.askedBy !== asked.askedBy) return;
    await this.#database.write([{ key: ERASURE_KEY, payload: undefined }]);
    this.#erasure = undefined;
  }

  /** What begins from now on reads from the database as it is now. */
  letGo(): void {
    const previous = this.#lease;
    this.#lease = new SnapshotLease(this.#database.snapshot(), previous.height);
    previous.retire();
  }

  snapshot(): StateSnapshot & LeasedSnapshot {
    return new LeasedSnapshot(this.#database, this.#lease, this.#peer);
  }

  // All that is read below is as of the tip, never of a block that is being applied.
  transaction(txId: string): TransactionLocation | undefined {
    const row = this.#database.get(transactionKey(txId), this.#lease.snapshot);
    return row === undefined ? undefined : { ...readVersion(row, 0), validationCode: row.readUInt8(VERSION_BYTES) };
  }

  async knownTransactions(txIds: readonly string[]): Promise<boolean[]> {
    const rows = await this.#database.getMany(txIds.map(transactionKey), this.#lease.snapshot);
    return rows.map((row) => row !== undefined);
  }

  blockNumberByHash(headerHash: Uint8Array): number | undefined {
    return this.#database.get(blockHashKey(headerHash), this.#lease.snapshot)?.readUIntBE(0, 6);
  }

  /** Where a key was written by valid transactions, newest first. */
  async *history(namespace: string, key: string): AsyncGenerator<Version> {
    const range = historyRange(namespace, key);
    for await (const row of this.#database.rows(range, { reverse: true, snapshot: this.#lease.snapshot })) {
      yield readVersion(row.key, row.key.length - VERSION_BYTES);
    }
  }

  get database(): StateDatabase {
    return this.#database;
  }

  #readErasure(): ErasureDue | undefined {
    const row = this.#database.get(ERASURE_KEY);
    return row && decodeErasure(row);
  }

  async close(): Promise<void> {
    this.#lease.retire();
    await this.#mark.close();
    await this.#database.close();
  }
}

export function encodeBlockRows({ tip, writes, history, transactions, privateRows = [] }: BlockRows): RowWrite[] {
  const blockNumber = tip.height - 1;
  const number = Buffer.alloc(6);
  number.writeUIntBE(blockNumber, 0, 6);
  return [
    ...writes.map(({ namespace, key, value, version }) => ({
      key: stateKey(namespace, key),
      payload:
        value === undefined ? undefined : Buffer.concat([encodeVersion(version.blockNumber, version.txNumber), value]),
    })),
    ...history.map(({ namespace, key, version }) => ({
      key: historyKey(namespace, key, version.blockNumber, version.txNumber),
      payload: Buffer.alloc(0),
    })),
    ...transactions.map(({ txId, txNumber, code }) => ({
      key: transactionKey(txId),
      payload: Buffer.concat([encodeVersion(blockNumber, txNumber), Buffer.of(code)]),
    })),
    ...privateRows,
    { key: blockKey(blockNumber), payload: Buffer.concat([tip.headerHash, tip.commitHash]) },
    { key: blockHashKey(tip.headerHash), payload: number },
    { key: TIP_KEY, payload: encodeTip(tip) },
  ];
}
