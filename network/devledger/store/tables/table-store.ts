import { join } from 'node:path';
import { type FileSystem, isDiskFull } from '../file-system.js';
import type { Bounds } from '../row-batch.js';
import { DamagedTable } from './damaged-table.js';
import { hiddenRows, RowsWithout } from './hidden-rows.js';
import { readManifest, writeManifest } from './manifest.js';
import { Memtable } from './memtable.js';
import type { RowEntry } from './row-block.js';
import { MergedCursor, type RowCursor } from './row-cursor.js';
import { RowView, TableHolds } from './row-view.js';
import { Table, type TableReading, tableReading } from './table.js';
import { TableCatalogue } from './table-catalogue.js';
import { planMerge, writeTable } from './table-merge.js';
import { sweep } from './sweep-tables.js';
import { tableName } from './table-writer.js';

export interface TableStoreOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly memtableMaxBytes: number;
  readonly salvage: boolean;
  /** Nobody asked for what a merge reads, so nobody else is told. */
  readonly onMergeDamage: (damage: DamagedTable) => unknown;
}

/**
 * Rows in memory and in immutable tables. Full memory becomes a table, tables of a size become one, both behind the
 * backs of readers and in turns with them. The manifest is replaced only when the new table is on the disk.
 */
export class TableStore {
  readonly #options: TableStoreOptions;
  readonly #reading: TableReading;
  readonly #holds: TableHolds;
  readonly #catalogue: TableCatalogue;
  #view: RowView;
  #sequence = 0;
  /** Manifests are written one after the other. */
  #installing: Promise<void> = Promise.resolve();
  #flushing: Promise<void> | undefined;
  #merging: Promise<void> | undefined;
  #failure: unknown;
  #isClosing = false;

  private constructor(
    options: TableStoreOptions,
    opened: { reading: TableReading; tables: readonly Table[]; nextNumber: number },
  ) {
    this.#options = options;
    this.#reading = opened.reading;
    this.#catalogue = new TableCatalogue(options.files, options.directory, opened.nextNumber);
    this.#holds = new TableHolds((table) => this.#removeFile(table));
    this.#view = new RowView(this.#holds, { active: new Memtable(), tables: opened.tables });
  }

  /** @throws DamagedTable when the manifest or a table is not what was written */
  static async open(options: TableStoreOptions): Promise<TableStore> {
    const { files, directory, salvage } = options;
    const manifest = await readManifest(files, directory);
    const reading = tableReading(files, directory, salvage);
    const tables: Table[] = [];
    try {
      for (const description of manifest.tables) tables.push(await Table.open(reading, description));
    } catch (error) {
      for (const table of tables) await table.close();
      throw error;
    }
    if (!salvage) await sweep(files, directory, manifest);
    // From the first table on, a manifest that is not there is one that was lost.
    if (tables.length === 0) await writeManifest(files, directory, manifest);
    const store = new TableStore(options, { reading, tables, nextNumber: manifest.nextNumber });
    store.#startMerge();
    return store;
  }

  get view(): RowView {
    return this.#view;
  }

  /** Number of the newest batch. */
  get sequence(): number {
    return this.#sequence;
  }

  snapshot(): { readonly view: RowView; readonly sequence: number; close(): void } {
    const view = this.#view;
    view.hold();
    let isOpen = true;
    const close = () => {
      if (isOpen) view.release();
      isOpen = false;
    };
    return { view, sequence: this.#sequence, close };
  }

  /** @throws what kept rows written earlier from the disk; nothing was written then, and it may be tried again */
  async write(entries: readonly RowEntry[]): Promise<void> {
    await this.makeRoom();
    this.#sequence += 1;
    for (const entry of entries) this.#view.active.put(entry, this.#sequence);
  }

  /** @throws as `write`, which then finds room */
  async makeRoom(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#view.active.sizeBytes >= this.#options.memtableMaxBytes) await this.#freeze();
  }

  async flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#view.frozen !== undefined) await this.#flushFrozen();
    if (this.#view.active.isEmpty) return;
    await this.#freeze();
    await this.#flushing;
  }

  /** Where a part of a file does not match its digest, in words. */
  async damagedParts(): Promise<string[]> {
    const found: string[] = [];
    for (const table of this.#view.tables) found.push(...(await table.damagedParts()));
    return found;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    // What cannot be written now is made again from the blocks.
    if (!this.#options.salvage) await this.flush().catch(() => undefined);
    await this.#merging;
    this.#view.release();
    await this.#holds.settled();
  }

  /** Begins with empty memory; waits where the memory before is not in a table yet. */
  async #freeze(): Promise<void> {
    if (this.#view.frozen !== undefined) await this.#flushFrozen();
    const { active, tables } = this.#view;
    this.#replaceView(new RowView(this.#holds, { active: new Memtable(), frozen: active, tables }));
    // Who comes next waits for it, or is told how it ended.
    this.#flushFrozen().catch(() => undefined);
  }

  #flushFrozen(): Promise<void> {
    this.#flushing ??= this.#writeFrozen()
      .catch((error: unknown) => {
        // What a disk did not confirm is not asked for again: the next answer would say nothing of it.
        if (!isDiskFull(error)) this.#failure ??= error;
        throw error;
      })
      .finally(() => {
        this.#flushing = undefined;
      });
    return this.#flushing;
  }

  async #writeFrozen(): Promise<void> {
    const { frozen } = this.#view;
    if (frozen === undefined) return;
    const rows = frozen.cursor({ direction: 'forward', key: undefined }, Number.POSITIVE_INFINITY);
    const written = await this.#writeTable(rows, { dropDeleted: this.#view.tables.length === 0, mayStop: false });
    if (written === undefined) return;
    await this.#install((tables) => [written, ...tables], { written, flushed: true, merged: [] });
    this.#startMerge();
  }

  #startMerge(): void {
    if (this.#merging !== undefined || this.#isClosing || this.#options.salvage) return;
    const plan = planMerge(this.#view.tables.map(({ description }) => description.sizeBytes));
    if (plan === undefined) return;
    const merged = this.#view.tables.slice(plan.first, plan.first + plan.count);
    const isOldest = plan.first + plan.count === this.#view.tables.length;
    this.#behindReaders(this.#merge(merged, isOldest));
  }

  /** One piece of work on tables at a time. */
  #behindReaders(work: Promise<unknown>): void {
    const end = (isDone: boolean) => {
      this.#merging = undefined;
      // What has come together meanwhile.
      if (isDone) this.#startMerge();
    };
    this.#merging = work.then(
      () => end(true),
      (error: unknown) => {
        end(false);
        // A full disk keeps tables apart for a while; a damaged one is never to be read again.
        if (!(error instanceof DamagedTable)) return;
        this.#failure = error;
        this.#options.onMergeDamage(error);
      },
    );
  }

  /**
   * Takes rows of these ranges that were deleted or replaced out of the tables. Rows in memory stay as they are.
   *
   * @returns false when it was stopped
   * @throws DamagedTable, or what kept tables from being written
   */
  async erase(ranges: readonly Bounds[], isStopped: () => boolean): Promise<boolean> {
    while (this.#merging !== undefined) await this.#merging;
    const isEnd = () => this.#isClosing || isStopped();
    const erasing = this.#erase(ranges, isEnd);
    this.#behindReaders(erasing);
    return erasing;
  }

  /** Resolves when the files of tables that were taken out of the view are gone; readers may hold them for a while. */
  filesRemoved(): Promise<void> {
    return this.#holds.removed();
  }

  async #erase(ranges: readonly Bounds[], isStopped: () => boolean): Promise<boolean> {
    for (let isComplete = false; !isComplete && !isStopped(); ) {
      const hidden = await hiddenRows(this.#view.tables, ranges, isStopped);
      for (const { table, keys } of hidden.found) if (!isStopped()) await this.#rewrite(table, keys);
      isComplete = hidden.isComplete;
    }
    return !isStopped();
  }

  /** @param without - keys that the new table is not to have */
  async #rewrite(table: Table, without: ReadonlySet<string>): Promise<void> {
    const rows = new RowsWithout(table.cursor({ direction: 'forward', key: undefined }, { cached: false }), without);
    const isNothingLeft = without.size === table.description.rows;
    const written = isNothingLeft ? undefined : await this.#writeTable(rows, { dropDeleted: false, mayStop: true });
    if (written === undefined && !isNothingLeft) return;
    const change = (current: readonly Table[]) => current.flatMap((each) => replaced(each, [table], written));
    await this.#install(change, { written, flushed: false, merged: [table] });
  }

  /** @param tables - neighbours; they stay open as long as the current view has them */
  async #merge(tables: readonly Table[], isOldest: boolean): Promise<void> {
    const start = { direction: 'forward', key: undefined } as const;
    const cursors = tables.map((table) => table.cursor(start, { cached: false }));
    const rows = new MergedCursor(cursors, 'forward');
    const written = await this.#writeTable(rows, { dropDeleted: isOldest, mayStop: true });
    if (written === undefined) return;
    const change = (current: readonly Table[]) => current.flatMap((table) => replaced(table, tables, written));
    await this.#install(change, { written, flushed: false, merged: tables });
  }

  async #writeTable(
    rows: RowCursor,
    how: { readonly dropDeleted: boolean; readonly mayStop: boolean },
  ): Promise<Table | undefined> {
    const { files, directory } = this.#options;
    const description = await writeTable(rows, {
      files,
      directory,
      number: this.#catalogue.takeNumber(),
      dropDeleted: how.dropDeleted,
      isStopped: () => how.mayStop && this.#isClosing,
    });
    return description && Table.open(this.#reading, description);
  }

  #install(
    change: (tables: readonly Table[]) => readonly Table[],
    done: { readonly written: Table | undefined; readonly flushed: boolean; readonly merged: readonly Table[] },
  ): Promise<void> {
    const installed = this.#installing.then(async () => {
      const tables = change(this.#view.tables);
      await this.#catalogue.write(tables, done.written);
      const { active, frozen } = this.#view;
      for (const table of done.merged) this.#holds.retire(table);
      this.#replaceView(new RowView(this.#holds, { active, frozen: done.flushed ? undefined : frozen, tables }));
    });
    this.#installing = installed.catch(() => undefined);
    return installed;
  }

  #replaceView(view: RowView): void {
    const previous = this.#view;
    this.#view = view;
    previous.release();
  }

  /** What is not removed now is swept when the database is next opened. */
  async #removeFile(table: Table): Promise<void> {
    const { files, directory } = this.#options;
    await files.remove(join(directory, tableName(table.description.number))).catch(() => undefined);
  }
}

/** What was made of tables takes the place of the first of them; undefined where nothing is left. */
function replaced(table: Table, merged: readonly Table[], written: Table | undefined): Table[] {
  if (table === merged[0]) return written === undefined ? [] : [written];
  return merged.includes(table) ? [] : [table];
}
