import { isNativeError } from 'node:util/types';
import { ClassicLevel } from 'classic-level';
import { StateCorruptError, StoreError } from './ledger-errors.js';
import { openRow, sealRow } from './row.js';
import { describeRowKey } from './row-keys.js';

type Database = ClassicLevel<Buffer, Buffer>;
export type DatabaseSnapshot = ReturnType<Database['snapshot']>;

export interface Row {
  readonly key: Buffer;
  /** Digest checked and taken off. */
  readonly payload: Buffer;
}

export interface RowWrite {
  readonly key: Buffer;
  /** Undefined deletes the row. */
  readonly payload: Uint8Array | undefined;
}

export interface RowRange {
  readonly gte: Buffer;
  readonly lt?: Buffer;
  readonly lte?: Buffer;
}

/** LevelDB's own defaults, spelled out. One database has these bounds once, however large it grows. */
const DATABASE_OPTIONS = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  cacheSize: 8 * 1024 * 1024,
  writeBufferSize: 4 * 1024 * 1024,
  maxOpenFiles: 500,
} as const;
const ROWS_PER_READ = 100;
const READ_AHEAD_BYTES = 64 * 1024;

/**
 * LevelDB notices by itself next to nothing of what is changed in its files: every row therefore carries a digest
 * bound to its key, and no row is handed out unchecked.
 */
export class StateDatabase {
  readonly #database: Database;
  readonly #peer: string;

  private constructor(database: Database, peer: string) {
    this.#database = database;
    this.#peer = peer;
  }

  /**
   * Opens the database and keeps every other process out of it.
   *
   * @param peer - MSP id, named in errors
   * @throws StoreError with a sentence that says what to do
   */
  static async open(directory: string, peer: string): Promise<StateDatabase> {
    const database: Database = new ClassicLevel<Buffer, Buffer>(directory, DATABASE_OPTIONS);
    try {
      await database.open();
    } catch (error) {
      throw openFailure(directory, peer, error);
    }
    return new StateDatabase(database, peer);
  }

  /**
   * One row. Synchronous: a read served from memory costs a tenth of one handed to the thread pool, and a simulation
   * makes many.
   *
   * @throws StateCorruptError
   */
  get(key: Buffer, snapshot?: DatabaseSnapshot): Buffer | undefined {
    let row: Buffer | undefined;
    try {
      row = this.#database.getSync(key, readOptions(snapshot));
    } catch (cause) {
      throw this.#unreadable(key, cause);
    }
    return row === undefined ? undefined : this.#open(key, row);
  }

  /**
   * @returns payloads in the order of the keys
   * @throws StateCorruptError
   */
  async getMany(keys: Buffer[], snapshot?: DatabaseSnapshot): Promise<(Buffer | undefined)[]> {
    if (keys.length === 0) return [];
    let rows: (Buffer | undefined)[];
    try {
      rows = await this.#database.getMany(keys, readOptions(snapshot));
    } catch (cause) {
      throw this.#unreadable(keys[0] ?? Buffer.alloc(0), cause);
    }
    return keys.map((key, index) => {
      const row = rows[index];
      return row === undefined ? undefined : this.#open(key, row);
    });
  }

  /**
   * @throws StateCorruptError
   */
  async *rows(range: RowRange, options: { snapshot?: DatabaseSnapshot; reverse?: boolean } = {}): AsyncGenerator<Row> {
    for await (const [key, row] of this.rawRows(range, options)) yield { key, payload: this.#open(key, row) };
  }

  /** Rows as stored, digest unchecked: for the verifier, which names every bad one instead of stopping at the first. */
  async *rawRows(
    range: RowRange,
    options: { snapshot?: DatabaseSnapshot; reverse?: boolean } = {},
  ): AsyncGenerator<[key: Buffer, row: Buffer]> {
    const iterator = this.#database.iterator({
      ...range,
      ...readOptions(options.snapshot),
      reverse: options.reverse ?? false,
      highWaterMarkBytes: READ_AHEAD_BYTES,
    });
    try {
      for (;;) {
        const entries = await iterator.nextv(ROWS_PER_READ);
        if (entries.length === 0) return;
        yield* entries;
      }
    } catch (cause) {
      throw cause instanceof StateCorruptError ? cause : this.#unreadable(range.gte, cause);
    } finally {
      await iterator.close();
    }
  }

  /** All or nothing; fsynced on return unless told otherwise. */
  async write(writes: readonly RowWrite[], options: { readonly sync: boolean } = { sync: true }): Promise<void> {
    await this.#database.batch(
      writes.map(({ key, payload }) =>
        payload === undefined ? { type: 'del', key } : { type: 'put', key, value: sealRow(key, payload) },
      ),
      { sync: options.sync },
    );
  }

  snapshot(): DatabaseSnapshot {
    return this.#database.snapshot();
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  #open(key: Buffer, row: Buffer): Buffer {
    const payload = openRow(key, row);
    if (payload === undefined) {
      throw new StateCorruptError(this.#peer, describeRowKey(key), 'the stored bytes do not match their digest');
    }
    return payload;
  }

  #unreadable(key: Buffer, cause: unknown): Error {
    const detail = isNativeError(cause) ? cause.message : String(cause);
    if (codeOf(cause) === 'LEVEL_DATABASE_NOT_OPEN') {
      return new StoreError(`The state of peer ${this.#peer} is closed; open the ledger again.`, { cause });
    }
    return new StateCorruptError(this.#peer, describeRowKey(key), `the database cannot read it (${detail})`, { cause });
  }
}

function readOptions(snapshot: DatabaseSnapshot | undefined): { snapshot?: DatabaseSnapshot } {
  return snapshot === undefined ? {} : { snapshot };
}

/** Errors of a native add-on may come from another realm than ours: instanceof would not know them. */
function codeOf(error: unknown): unknown {
  return isNativeError(error) && 'code' in error ? error.code : undefined;
}

function openFailure(directory: string, peer: string, error: unknown): StoreError {
  const reason = isNativeError(error) && isNativeError(error.cause) ? error.cause : error;
  if (codeOf(reason) === 'LEVEL_LOCKED') {
    return new StoreError(`${directory} is in use by another process: stop that ledger first.`, {
      cause: error,
      inUse: true,
    });
  }
  const detail = isNativeError(reason) ? reason.message : String(reason);
  return new StoreError(
    `The state database of ${peer} in ${directory} cannot be opened (${detail}). ` +
      'Move this folder away and start again: it is rebuilt from the blocks.',
    { cause: error },
  );
}
