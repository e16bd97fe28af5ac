import type { StateSnapshot, Version } from '../peer-ledger.js';
import { RangeScan } from './range-scan.js';
import { type NamespaceReadWrites, serialiseReadWriteSet } from './read-write-set.js';

interface NamespaceRecord {
  readonly reads: Map<string, Version | undefined>;
  readonly writes: Map<string, Uint8Array | undefined>;
  readonly scans: RangeScan[];
}

/**
 * Runs one proposal against one state snapshot and records what it reads and would write. Reads return committed
 * state only: a transaction does not see its own writes, as in Fabric.
 *
 * Not safe for several transactions; one transaction sends its requests one after the other.
 */
export class Simulator {
  readonly #snapshot: StateSnapshot;
  readonly #txId: string;
  readonly #namespaces = new Map<string, NamespaceRecord>();
  #wrote = false;
  #paged = false;
  #readFailure: Error | undefined;

  constructor(snapshot: StateSnapshot, txId: string) {
    this.#snapshot = snapshot;
    this.#txId = txId;
  }

  /**
   * First read that the store could not serve. A contract may catch the error it gets for it and answer all the same;
   * such an answer must never be endorsed.
   */
  readFailure(): Error | undefined {
    return this.#readFailure;
  }

  /** Records that the transaction rests on a value that the peer itself has read for it. */
  recordRead(namespace: string, key: string, version: Version): void {
    this.#record(namespace).reads.set(key, version);
  }

  async getState(namespace: string, key: string): Promise<Uint8Array | undefined> {
    const found = await this.#guarded(this.#snapshot.get(namespace, key));
    this.#record(namespace).reads.set(key, found?.version);
    return found?.value;
  }

  /** An empty value deletes the key, and an empty key is one like others: as in Fabric on LevelDB. */
  putState(namespace: string, key: string, value: Uint8Array): void {
    if (this.#paged) {
      throw new Error(
        `txid [${this.#txId}]: unsuppored transaction. Transaction has already performed a paginated query. Writes are not allowed`,
      );
    }
    this.#wrote = true;
    this.#record(namespace).writes.set(key, value.length === 0 ? undefined : value);
  }

  /** @param paged - page by page for a client; allowed only in a transaction that writes nothing */
  range(namespace: string, bounds: { startKey: string; endKey: string; paged: boolean }): Scan {
    if (bounds.paged) {
      if (this.#wrote) {
        throw new Error(
          `txid [${this.#txId}]: unsuppored transaction. Paginated queries are supported only in a read-only transaction`,
        );
      }
      this.#paged = true;
    }
    const scan = new RangeScan(this.#snapshot, { namespace, ...bounds });
    this.#record(namespace).scans.push(scan);
    return {
      next: () => this.#guarded(scan.next()),
      bookmark: () => this.#guarded(scan.bookmark()),
      close: () => scan.close(),
    };
  }

  /** Serialised rwset.TxReadWriteSet of everything so far. */
  results(): Uint8Array {
    const readWrites = new Map<string, NamespaceReadWrites>();
    for (const [namespace, record] of this.#namespaces) {
      const rangeQueries = record.scans.map((scan) => scan.rangeQueryInfo());
      readWrites.set(namespace, { reads: record.reads, writes: record.writes, rangeQueries });
    }
    return serialiseReadWriteSet(readWrites);
  }

  async #guarded<Result>(read: Promise<Result>): Promise<Result> {
    try {
      return await read;
    } catch (error) {
      this.#readFailure ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  #record(namespace: string): NamespaceRecord {
    let record = this.#namespaces.get(namespace);
    if (record === undefined) {
      record = { reads: new Map(), writes: new Map(), scans: [] };
      this.#namespaces.set(namespace, record);
    }
    return record;
  }
}

/** Rows of a range query, handed out one by one. */
export type Scan = Pick<RangeScan, 'next' | 'bookmark' | 'close'>;
