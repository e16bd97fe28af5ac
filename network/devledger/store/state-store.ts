import type { StateSnapshot, TransactionLocation, Version } from '../peer-ledger.js';
import { StateCorruptError } from './ledger-errors.js';
import {
  blockHashKey,
  blockKey,
  describeRowKey,
  encodeVersion,
  historyKey,
  historyRange,
  kindRange,
  readVersion,
  stateKey,
  TIP_KEY,
  transactionKey,
  VERSION_BYTES,
} from './row-keys.js';
import { type DatabaseSnapshot, type RowWrite, StateDatabase } from './state-database.js';
import { LevelSnapshot, SnapshotLease } from './state-snapshot.js';
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

/** World state, history, transaction index and height of one peer, in one database of its own. */
export class StateStore {
  readonly #database: StateDatabase;
  readonly #peer: string;
  #tip: LedgerTip | undefined;
  #lease: SnapshotLease;

  private constructor(database: StateDatabase, peer: string, tip: LedgerTip | undefined) {
    this.#database = database;
    this.#peer = peer;
    this.#tip = tip;
    this.#lease = new SnapshotLease(database.snapshot(), tip?.height ?? 0);
  }

  /**
   * @throws StoreError when the database cannot be opened
   * @throws StateCorruptError when it lost what it had acknowledged
   */
  static async open(directory: string, peer: string): Promise<StateStore> {
    const database = await StateDatabase.open(directory, peer);
    try {
      const row = database.get(TIP_KEY);
      const tip = row === undefined ? undefined : decodeTip(row);
      await checkBlockIndex(database, peer, tip?.height ?? 0);
      return new StateStore(database, peer, tip);
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  get tip(): LedgerTip | undefined {
    return this.#tip;
  }

  /** Atomic and fsynced on return; one caller at a time. */
  async apply(rows: BlockRows): Promise<void> {
    await this.#database.write(encodeBlockRows(rows));
    this.#tip = rows.tip;
    // One database snapshot per block serves every simulation that begins before the next block.
    const previous = this.#lease;
    this.#lease = new SnapshotLease(this.#database.snapshot(), rows.tip.height);
    previous.retire();
  }

  /** Atomic and fsynced on return: rows that belong to no block. */
  async putRows(rows: readonly RowWrite[]): Promise<void> {
    await this.#database.write(rows);
    const previous = this.#lease;
    this.#lease = new SnapshotLease(this.#database.snapshot(), previous.height);
    previous.retire();
  }

  snapshot(): StateSnapshot & LevelSnapshot {
    return new LevelSnapshot(this.#database, this.#lease, this.#peer);
  }

  transaction(txId: string): TransactionLocation | undefined {
    const row = this.#database.get(transactionKey(txId));
    return row === undefined ? undefined : { ...readVersion(row, 0), validationCode: row.readUInt8(VERSION_BYTES) };
  }

  async knownTransactions(txIds: readonly string[]): Promise<boolean[]> {
    const rows = await this.#database.getMany(txIds.map(transactionKey));
    return rows.map((row) => row !== undefined);
  }

  blockNumberByHash(headerHash: Uint8Array): number | undefined {
    return this.#database.get(blockHashKey(headerHash))?.readUIntBE(0, 6);
  }

  /** Where a key was written by valid transactions, newest first. */
  async *history(namespace: string, key: string, snapshot?: DatabaseSnapshot): AsyncGenerator<Version> {
    const range = historyRange(namespace, key);
    for await (const row of this.#database.rows(range, { reverse: true, ...(snapshot ? { snapshot } : {}) })) {
      yield readVersion(row.key, row.key.length - VERSION_BYTES);
    }
  }

  get database(): StateDatabase {
    return this.#database;
  }

  async close(): Promise<void> {
    this.#lease.retire();
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

/**
 * LevelDB drops damaged parts of its log without a word and goes on with what comes after. Each block writes one row
 * here in the same batch as all its other rows, so a gap in these rows shows what was dropped.
 */
async function checkBlockIndex(database: StateDatabase, peer: string, height: number): Promise<void> {
  let expected = 0;
  for await (const { key } of database.rows(kindRange('block'))) {
    if (!key.equals(blockKey(expected))) break;
    expected += 1;
  }
  if (expected === height) return;
  throw new StateCorruptError(peer, describeRowKey(blockKey(expected)), `missing, although the height is ${height}`);
}
