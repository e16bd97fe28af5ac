import type { Version } from '../peer-ledger.js';
import { StateCorruptError, StoreError } from '../store/ledger-errors.js';
import { openRow } from '../store/row.js';
import type { RowRange } from '../store/row-batch.js';
import { kindRange, readVersion } from '../store/row-keys.js';
import { type RowWrite, StateDatabase } from '../store/state-database.js';
import type { SetRequest } from './private-keeper.js';
import { parseSetPlace, privateSetKey, privateSetsOfBlock } from './private-rows.js';
import { fitsHashes } from './private-set.js';
import { transientRow } from './transient-sets.js';

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
  transientRows(): Promise<RowWrite[]> {
    return this.#rows(kindRange('transientSet'));
  }

  /**
   * Of transactions whose blocks are no longer there and come again: as if they had been endorsed just now.
   *
   * @param fromBlock - the first of those blocks
   */
  async rowsToComeAgain(fromBlock: number): Promise<RowWrite[]> {
    const range = { ...kindRange('privateSet'), gte: privateSetsOfBlock('privateSet', fromBlock).gte };
    const coming = (await this.#rows(range)).map(({ key, payload }) => ({ ...parseSetPlace(key), payload }));
    if (coming.length === 0) return [];
    const ids = new Map(
      (await this.#rows(kindRange('transaction'))).map(({ key, payload }) => [
        placeText(readVersion(payload, 0)),
        key.toString('utf8', 1),
      ]),
    );
    return coming.flatMap((set) => {
      const txId = ids.get(placeText(set));
      return txId === undefined ? [] : [transientRow(txId, { ...set, bytes: set.payload }, set.blockNumber)];
    });
  }

  async #rows(range: RowRange): Promise<{ readonly key: Buffer; readonly payload: Buffer }[]> {
    const rows: { readonly key: Buffer; readonly payload: Buffer }[] = [];
    try {
      for await (const [key, row] of this.#database.rawRows(range)) {
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

function placeText({ blockNumber, txNumber }: Version): string {
  return `${blockNumber} ${txNumber}`;
}
