import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { openDurableDatabase } from '../durable-database.js';
import { LedgerFailure } from './ledger-failure.js';

/** A signed transaction on its way: gateway.PreparedTransaction, envelope and signature inside. */
export interface OutboxEntry {
  readonly transactionId: string;
  readonly bytes: Uint8Array;
  readonly signedAtMs: number;
}

/**
 * Signed envelopes that were not seen to end. `save` is durable when it resolves; calls of one turn of the event loop
 * share one fsync. `remove` is durable some time later: an envelope that comes back is looked up, not sent twice.
 */
export interface Outbox {
  save(entry: OutboxEntry): Promise<void>;
  remove(transactionId: string): void;
  /** Oldest first. */
  pending(): readonly OutboxEntry[];
  close(): void;
}

const SCHEMA = `CREATE TABLE IF NOT EXISTS outbox (
  transaction_id TEXT PRIMARY KEY, bytes BLOB NOT NULL, signed_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID`;
/** Removals ride along with the next save, or go by themselves after this time. */
const REMOVE_DELAY_MS = 250;
/**
 * A write that follows another one this soon waits until the time is over, for others to join it: one alone costs
 * 60 to 110 µs of CPU and an fsync, eight together 30 µs each. The first one after a pause is written at once.
 */
const GROUP_MIN_MS = 2;
/** SQLite waits for the disk on the event loop: on a slow disk, writes are spaced so that most of it stays free. */
const GROUP_PER_WRITE = 2;
const GROUP_MAX_MS = 20;

type Waiter = { readonly entry: OutboxEntry; readonly resolve: () => void; readonly reject: (error: unknown) => void };

/** @throws MedledgerError STORE_CORRUPT when the file cannot be opened */
export function openOutbox(path: string): Outbox {
  return new SqliteOutbox(openDurableDatabase(path, SCHEMA));
}

class SqliteOutbox implements Outbox {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #select: StatementSync;
  #waiters: Waiter[] = [];
  readonly #removed = new Set<string>();
  #removeTimer: NodeJS.Timeout | undefined;
  #writtenAtMs = 0;
  #writeTookMs = 0;
  #closed = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#insert = database.prepare('INSERT OR REPLACE INTO outbox VALUES (?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM outbox WHERE transaction_id = ?');
    this.#select = database.prepare(
      'SELECT transaction_id, bytes, signed_at_ms FROM outbox ORDER BY signed_at_ms, transaction_id',
    );
  }

  save(entry: OutboxEntry): Promise<void> {
    if (this.#closed) return Promise.reject(new LedgerFailure('LEDGER_UNAVAILABLE', 'the gateway is stopping'));
    return new Promise((resolve, reject) => {
      if (this.#waiters.push({ entry, resolve, reject }) > 1) return;
      const groupMs = Math.min(GROUP_MAX_MS, Math.max(GROUP_MIN_MS, this.#writeTookMs * GROUP_PER_WRITE));
      if (performance.now() - this.#writtenAtMs < groupMs) setTimeout(() => this.#flush(), groupMs);
      else setImmediate(() => this.#flush());
    });
  }

  remove(transactionId: string): void {
    this.#removed.add(transactionId);
    if (this.#closed || this.#removeTimer !== undefined) return;
    this.#removeTimer = setTimeout(() => this.#flushRemovals(), REMOVE_DELAY_MS).unref();
  }

  pending(): readonly OutboxEntry[] {
    return this.#select
      .all()
      .map(parseRow)
      .filter(({ transactionId }) => !this.#removed.has(transactionId));
  }

  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    clearTimeout(this.#removeTimer);
    this.#database.close();
  }

  #flush(): void {
    if (this.#closed) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    try {
      this.#write(waiters.map(({ entry }) => entry));
    } catch (cause) {
      for (const { reject } of waiters)
        reject(new LedgerFailure('STORE_CORRUPT', 'the outbox cannot be written', { cause }));
      return;
    }
    for (const { resolve } of waiters) resolve();
  }

  /** Nobody waits for a removal; what cannot be removed now goes with the next write, or is looked up again at start. */
  #flushRemovals(): void {
    this.#removeTimer = undefined;
    if (this.#waiters.length === 0) this.#flush();
  }

  #write(entries: readonly OutboxEntry[]): void {
    if (entries.length === 0 && this.#removed.size === 0) return;
    const startedMs = performance.now();
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const transactionId of this.#removed) this.#delete.run(transactionId);
      for (const { transactionId, bytes, signedAtMs } of entries) this.#insert.run(transactionId, bytes, signedAtMs);
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
    this.#removed.clear();
    this.#writtenAtMs = performance.now();
    this.#writeTookMs = this.#writtenAtMs - startedMs;
  }
}

function parseRow(row: Record<string, unknown>): OutboxEntry {
  return {
    transactionId: String(row.transaction_id),
    bytes: row.bytes as Uint8Array,
    signedAtMs: Number(row.signed_at_ms),
  };
}
