import type { PrivateSet } from '../endorse/read-write-set.js';
import { kindRange } from '../store/row-keys.js';
import type { RowRange } from '../store/row-batch.js';
import type { StateStore } from '../store/state-store.js';
import { type CollectionName, parseTransientName, transientSetKey, transientSetsOf } from './private-rows.js';
import { setHashOf } from './private-set.js';

const HEIGHT_BYTES = 6;
/** Blocks after which nobody expects a transaction any more; Fabric's transientstoreMaxBlockRetention. */
const RETENTION_BLOCKS = 1_000;

/** @param height - of the ledger when the set was given; long after it nobody expects the transaction any more */
export function transientRow(txId: string, set: PrivateSet, height: number) {
  const stamp = Buffer.alloc(HEIGHT_BYTES);
  stamp.writeUIntBE(height, 0, HEIGHT_BYTES);
  return { key: transientSetKey(txId, set, setHashOf(set.bytes)), payload: Buffer.concat([stamp, set.bytes]) };
}

/** Private writes of transactions that were endorsed and are not in a block yet. */
export class TransientSets {
  /** Height at which each was stored, by transaction id: most transactions have none, and need not be looked up. */
  #heights = new Map<string, number>();

  /** @param store - with which the others are called from now on */
  async load(store: StateStore): Promise<void> {
    const heights = new Map<string, number>();
    for await (const { key, payload } of store.database.rows(kindRange('transientSet'))) {
      heights.set(key.toString('utf8', 1, key.indexOf(0, 1)), payload.readUIntBE(0, HEIGHT_BYTES));
    }
    this.#heights = heights;
  }

  /** Durable on return. */
  async put(store: StateStore, txId: string, sets: readonly PrivateSet[]): Promise<void> {
    const height = store.tip?.height ?? 0;
    this.#heights.set(txId, height);
    await store.putRows(sets.map((set) => transientRow(txId, set, height)));
  }

  /** Every version of a set that some endorser gave. */
  async of(store: StateStore, txId: string, name: CollectionName): Promise<Uint8Array[]> {
    if (!this.#heights.has(txId)) return [];
    const found: Uint8Array[] = [];
    for await (const { key, payload } of store.database.rows(transientSetsOf(txId))) {
      const { namespace, collection } = parseTransientName(txId, key);
      if (namespace === name.namespace && collection === name.collection) found.push(payload.subarray(HEIGHT_BYTES));
    }
    return found;
  }

  /** Rows that a block makes superfluous: those of its transactions, valid or not, and of ones long forgotten. */
  over(txIds: readonly string[], blockNumber: number): RowRange[] {
    return this.#over(txIds, blockNumber).map(transientSetsOf);
  }

  /** Once those rows are gone. */
  forget(txIds: readonly string[], blockNumber: number): void {
    for (const txId of this.#over(txIds, blockNumber)) this.#heights.delete(txId);
  }

  #over(txIds: readonly string[], blockNumber: number): string[] {
    if (this.#heights.size === 0) return [];
    const done = new Set(txIds.filter((txId) => this.#heights.has(txId)));
    for (const [txId, height] of this.#heights) if (height + RETENTION_BLOCKS < blockNumber) done.add(txId);
    return [...done];
  }
}
