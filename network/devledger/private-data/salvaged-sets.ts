import { StateCorruptError, StoreError } from '../store/ledger-errors.js';
import { openRow } from '../store/row.js';
import { kindRange } from '../store/row-keys.js';
import { type RowWrite, StateDatabase } from '../store/state-database.js';
import type { SetRequest } from './private-keeper.js';
import { privateSetKey } from './private-rows.js';
import { fitsHashes } from './private-set.js';

/** The private data in a state that was moved aside, as far as it can be read. Only what blocks confirm is given. */
export class SalvagedSets {
  readonly #database: StateDatabase;

  private constructor(database: StateDatabase) {
    this.#database = database;
  }

  /** @returns undefined where nothing can be made out; nothing in the folder is changed */
  static async open(directory: string, peer: string): Promise<SalvagedSets | undefined> {
    try {
      return new SalvagedSets(await StateDatabase.open(directory, peer, { salvage: true }));
    } catch (error) {
      if (error instanceof StateCorruptError || error instanceof StoreError) return undefined;
      throw error;
    }
  }

  find(request: SetRequest): Uint8Array | undefined {
    try {
      const bytes = this.#database.get(privateSetKey(request));
      return bytes !== undefined && fitsHashes(bytes, request.hashed) ? bytes : undefined;
    } catch (error) {
      if (error instanceof StateCorruptError) return undefined;
      throw error;
    }
  }

  /** Of transactions that are in no block yet; they are held against its hashes when they are. */
  async transientRows(): Promise<RowWrite[]> {
    const rows: RowWrite[] = [];
    try {
      for await (const [key, row] of this.#database.rawRows(kindRange('transientSet'))) {
        const payload = openRow(key, row);
        if (payload !== undefined) rows.push({ key, payload });
      }
    } catch (error) {
      // The walk ends where the index of a table is damaged.
      if (!(error instanceof StateCorruptError)) throw error;
    }
    return rows;
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
