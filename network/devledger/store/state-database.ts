import { join } from 'node:path';
import { DISK, type FileSystem, makeDurableDirectory, shortageOf } from './file-system.js';
import { type FileLock, lockFile } from './file-lock.js';
import { StateCorruptError, StoreError } from './ledger-errors.js';
import { openRow, sealRow } from './row.js';
import { type Batch, type Bounds, boundsOf, type RowRange, readBatch, type WantedBatch } from './row-batch.js';
import { describeRowKey } from './row-keys.js';
import { DamagedTable } from './tables/damaged-table.js';
import type { RowView } from './tables/row-view.js';
import { Turn } from './tables/table-merge.js';
import { TableStore } from './tables/table-store.js';

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

export interface DatabaseOptions {
  /** Default: the disk. */
  readonly files?: FileSystem;
  /** Default 2 MiB: what is kept in memory, and in a crash made again from the blocks. */
  readonly memtableMaxBytes?: number;
  /** For the verifier: rows of a damaged table are handed out as far as they can be made out. */
  readonly salvage?: boolean;
  /** Told of damage in the moment it is found, before whoever asked. */
  readonly onDamage?: (error: StateCorruptError) => void;
}

/** The database as it was after one batch; to be closed. */
export interface DatabaseSnapshot {
  readonly view: RowView;
  readonly sequence: number;
  close(): void;
}

const MEMTABLE_MAX_BYTES = 2 * 1024 * 1024;
const LOCK_NAME = 'lock';
/** Rows read at one go: the first time few, because most who read a range want few. */
const BATCH_ROWS_MIN = 16;
const BATCH_ROWS_MAX = 128;

/**
 * Sorted rows of one peer. What is written is in memory until it has grown to the size of a table: after a crash the
 * newest rows are missing, whole batches of them, and are made again from the blocks. What is read from a table was
 * held against its digest, and every row carries one bound to its key besides, so that the verifier can name it.
 */
export class StateDatabase {
  readonly #tables: TableStore;
  readonly #lock: FileLock;
  readonly #peer: string;
  readonly #onDamage: (error: StateCorruptError) => void;
  #isOpen = true;

  private constructor(
    parts: { readonly tables: TableStore; readonly lock: FileLock },
    peer: string,
    onDamage: (error: StateCorruptError) => void,
  ) {
    this.#tables = parts.tables;
    this.#lock = parts.lock;
    this.#peer = peer;
    this.#onDamage = onDamage;
  }

  /**
   * Opens the database and keeps everybody else out of it.
   *
   * @param peer - MSP id, named in errors
   * @throws StoreError when it is in use
   * @throws StateCorruptError when its files are not what was written
   */
  static async open(directory: string, peer: string, options: DatabaseOptions = {}): Promise<StateDatabase> {
    const { files = DISK, memtableMaxBytes = MEMTABLE_MAX_BYTES, salvage = false } = options;
    await makeDurableDirectory(files, directory);
    const lock = lockFile(join(directory, LOCK_NAME));
    if (lock === undefined) {
      throw new StoreError(`${directory} is in use by another process: stop that ledger first.`, { inUse: true });
    }
    try {
      let database: StateDatabase | undefined;
      const onMergeDamage = (damage: DamagedTable) => database === undefined || database.#unwritable(damage);
      const tables = await TableStore.open({ files, directory, memtableMaxBytes, salvage, onMergeDamage });
      database = new StateDatabase({ tables, lock }, peer, options.onDamage ?? (() => undefined));
      return database;
    } catch (cause) {
      lock.release();
      if (!(cause instanceof DamagedTable)) throw cause;
      throw new StateCorruptError(peer, 'its state cannot be opened', cause.message, { cause });
    }
  }

  /**
   * One row. Synchronous: a read served from memory costs a tenth of one handed to the thread pool, and a simulation
   * makes many.
   *
   * @throws StateCorruptError
   */
  get(key: Buffer, snapshot?: DatabaseSnapshot): Buffer | undefined {
    this.#requireOpen();
    const { view, sequence } = snapshot ?? this.#tables;
    return this.#read(key, view, sequence);
  }

  /**
   * @returns payloads in the order of the keys
   * @throws StateCorruptError
   */
  async getMany(keys: readonly Buffer[], snapshot?: DatabaseSnapshot): Promise<(Buffer | undefined)[]> {
    this.#requireOpen();
    const { view, sequence } = snapshot ?? this.#tables;
    const payloads: (Buffer | undefined)[] = [];
    view.hold();
    try {
      const turn = new Turn();
      for (const key of keys) {
        payloads.push(this.#read(key, view, sequence));
        if (turn.isOver()) await turn.pass();
      }
    } finally {
      view.release();
    }
    return payloads;
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
    this.#requireOpen();
    const { view, sequence } = options.snapshot ?? this.#tables;
    // Whoever closes the snapshot meanwhile does not take the files away from under this walk.
    view.hold();
    try {
      const turn = new Turn();
      let rest: Bounds | undefined = boundsOf(range);
      for (let size = BATCH_ROWS_MIN; rest !== undefined; size = Math.min(BATCH_ROWS_MAX, size * 4)) {
        const batch: Batch = this.#readBatch(view, sequence, { bounds: rest, size, reverse: options.reverse ?? false });
        yield* batch.rows;
        rest = batch.rest;
        if (turn.isOver()) await turn.pass();
      }
    } finally {
      view.release();
    }
  }

  /**
   * All or nothing, and seen by snapshots taken later; durable once `flush` was called or the rows fill a table. One
   * caller at a time.
   *
   * @throws StoreError when rows written earlier cannot be brought to the disk
   * @throws StateCorruptError when a table that is being merged is damaged
   */
  async write(writes: readonly RowWrite[]): Promise<void> {
    this.#requireOpen();
    try {
      await this.#tables.write(
        writes.map(({ key, payload }) => ({
          key: key.toString('latin1'),
          row: payload === undefined ? undefined : sealRow(key, payload),
        })),
      );
    } catch (cause) {
      throw this.#unwritable(cause);
    }
  }

  /**
   * Sees to it that the next `write` finds room, so that what has to go with it can be written before.
   *
   * @throws as `write`
   */
  async makeRoom(): Promise<void> {
    this.#requireOpen();
    try {
      await this.#tables.makeRoom();
    } catch (cause) {
      throw this.#unwritable(cause);
    }
  }

  /** Everything written so far is durable on return. */
  async flush(): Promise<void> {
    try {
      await this.#tables.flush();
    } catch (cause) {
      throw this.#unwritable(cause);
    }
  }

  /**
   * Takes rows that were deleted or replaced, and flushed, out of the files of the current tables.
   *
   * @returns false when it was stopped
   * @throws as `write`
   */
  async erase(ranges: readonly RowRange[], isStopped: () => boolean): Promise<boolean> {
    this.#requireOpen();
    try {
      return await this.#tables.erase(ranges.map(boundsOf), isStopped);
    } catch (cause) {
      throw this.#unwritable(cause);
    }
  }

  /** Resolves when no file is left that only readers of earlier snapshots needed. */
  filesRemoved(): Promise<void> {
    return this.#tables.filesRemoved();
  }

  snapshot(): DatabaseSnapshot {
    this.#requireOpen();
    return this.#tables.snapshot();
  }

  /** In the files, what does not match its digest: one sentence for each part. */
  damagedParts(): Promise<readonly string[]> {
    return this.#tables.damagedParts();
  }

  /** What has not been written by then is made again from the blocks; who cannot do that calls `flush` before. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#tables.close();
    this.#lock.release();
  }

  #read(key: Buffer, view: RowView, sequence: number): Buffer | undefined {
    let row: Buffer | undefined;
    try {
      row = view.get(key.toString('latin1'), sequence)?.row;
    } catch (cause) {
      throw this.#unreadable(key, cause);
    }
    return row === undefined ? undefined : this.#open(key, row);
  }

  #readBatch(view: RowView, sequence: number, wanted: WantedBatch): Batch {
    try {
      return readBatch(view, sequence, wanted);
    } catch (cause) {
      throw this.#unreadable(Buffer.from(wanted.bounds.start, 'latin1'), cause);
    }
  }

  #open(key: Buffer, row: Buffer): Buffer {
    const payload = openRow(key, row);
    if (payload !== undefined) return payload;
    throw this.#corrupt(describeRowKey(key), 'the stored bytes do not match their digest');
  }

  #requireOpen(): void {
    if (!this.#isOpen) throw new StoreError(`The state of peer ${this.#peer} is closed; open the ledger again.`);
  }

  #unreadable(key: Buffer, cause: unknown): unknown {
    if (!(cause instanceof DamagedTable)) return cause;
    return this.#corrupt(describeRowKey(key), cause.message, cause);
  }

  #unwritable(cause: unknown): unknown {
    if (cause instanceof DamagedTable) return this.#corrupt('its state cannot be merged', cause.message, cause);
    const detail = cause instanceof Error ? cause.message : String(cause);
    const shortage = shortageOf(cause);
    const next = shortage ?? 'check the disk and restart the ledger';
    return new StoreError(`The state of peer ${this.#peer} cannot be written (${detail}): ${next}.`, {
      cause,
      shortage,
    });
  }

  #corrupt(key: string, detail: string, cause?: DamagedTable): StateCorruptError {
    const error = new StateCorruptError(this.#peer, key, detail, { cause });
    // Who still reads from what was closed because it is damaged tells nothing new.
    if (this.#isOpen) this.#onDamage(error);
    return error;
  }
}
