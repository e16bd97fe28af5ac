import { StateCorruptError } from '../../network/devledger/store/ledger-errors.js';
import { openRow } from '../../network/devledger/store/row.js';
import { parseStateKey, stateKey, stateRange, TIP_KEY, VERSION_BYTES } from '../../network/devledger/store/row-keys.js';
import { StateDatabase } from '../../network/devledger/store/state-database.js';
import { decodeTip } from '../../network/devledger/store/tip.js';
import { endOf } from './state-keys.js';

/** Stands for bytes that do not match the digest stored with them. */
export const DAMAGED = Symbol('damaged');

/** Text of a live value; undefined where there is none. */
export type StoredText = string | undefined | typeof DAMAGED;

export interface StoredRow {
  readonly key: string;
  readonly text: Exclude<StoredText, undefined>;
}

/** The live state of one peer, as the chaincode would read it. One chaincode's namespace, no other. */
export class PeerState {
  readonly #database: StateDatabase;
  readonly #namespace: string;

  private constructor(database: StateDatabase, namespace: string) {
    this.#database = database;
    this.#namespace = namespace;
  }

  /**
   * @param input - `directory` holds the tables; it is locked, and nothing in it is changed
   * @throws StateCorruptError when it cannot be opened
   */
  static async open(input: { directory: string; mspId: string; namespace: string }): Promise<PeerState> {
    return new PeerState(await StateDatabase.open(input.directory, input.mspId, { salvage: true }), input.namespace);
  }

  /** Number of blocks the state has seen; undefined where it does not tell. */
  get height(): number | undefined {
    try {
      const tip = this.#database.get(TIP_KEY);
      return tip === undefined ? undefined : decodeTip(tip).height;
    } catch (error) {
      if (error instanceof StateCorruptError) return undefined;
      throw error;
    }
  }

  read(key: string): StoredText {
    try {
      const payload = this.#database.get(stateKey(this.#namespace, key));
      return payload === undefined ? undefined : textOf(payload);
    } catch (error) {
      if (error instanceof StateCorruptError) return DAMAGED;
      throw error;
    }
  }

  /**
   * Rows below a prefix, in key order.
   *
   * @throws StateCorruptError where the index of a table is damaged
   */
  async *rows(prefix: string): AsyncGenerator<StoredRow> {
    const range = stateRange(this.#namespace, prefix, endOf(prefix));
    for await (const [key, row] of this.#database.rawRows(range)) {
      const payload = openRow(key, row);
      yield { key: parseStateKey(key).key, text: payload === undefined ? DAMAGED : textOf(payload) };
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

function textOf(payload: Buffer): string {
  return payload.toString('utf8', VERSION_BYTES);
}

/** What the checks read of a peer's live state, whichever ledger keeps it. */
export type StateView = Pick<PeerState, 'height' | 'read' | 'rows' | 'close'>;
