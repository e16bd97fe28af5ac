import { compareUtf8 } from '../endorse/utf8-order.js';
import type { Version } from '../peer-ledger.js';
import type { HistoryWrite, StateWrite } from '../store/state-store.js';
import type { NamespaceSet } from './read-write-sets.js';

/** What the valid transactions of one block write, the last writer of a key winning. */
export class UpdateBatch {
  readonly #latest = new Map<string, StateWrite>();
  readonly #history: HistoryWrite[] = [];

  apply(sets: readonly NamespaceSet[], version: Version): void {
    for (const { namespace, writes } of sets) {
      for (const { key, value } of writes) {
        this.#latest.set(compositeName(namespace, key), { namespace, key, value, version });
        this.#history.push({ namespace, key, version });
      }
    }
  }

  has(namespace: string, key: string): boolean {
    return this.#latest.has(compositeName(namespace, key));
  }

  /** Latest writes of a range, in UTF-8 byte order; deletions included. */
  inRange(range: {
    readonly namespace: string;
    readonly startKey: string;
    readonly endKey: string;
    readonly includeEnd: boolean;
  }): StateWrite[] {
    const { namespace, startKey, endKey, includeEnd } = range;
    const endLimit = includeEnd ? 1 : 0;
    return [...this.#latest.values()]
      .filter((write) => write.namespace === namespace && compareUtf8(write.key, startKey) >= 0)
      .filter((write) => endKey === '' || compareUtf8(write.key, endKey) < endLimit)
      .sort((left, right) => compareUtf8(left.key, right.key));
  }

  /** By namespace, then key, both in UTF-8 byte order. */
  sorted(): StateWrite[] {
    return [...this.#latest.values()].sort(
      (left, right) => compareUtf8(left.namespace, right.namespace) || compareUtf8(left.key, right.key),
    );
  }

  /** Every write in order, also those a later transaction of the block overwrote. */
  get history(): readonly HistoryWrite[] {
    return this.#history;
  }
}

function compositeName(namespace: string, key: string): string {
  return `${namespace}\u0000${key}`;
}
