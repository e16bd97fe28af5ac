import type { Memtable } from './memtable.js';
import type { RowEntry } from './row-block.js';
import { type CursorStart, MergedCursor, type RowCursor } from './row-cursor.js';
import type { Table } from './table.js';

/** Tables of a database and how many views read from each; the file of one that was merged away goes with the last. */
export class TableHolds {
  readonly #holders = new Map<Table, number>();
  /** With whom to tell when the file is gone. */
  readonly #obsolete = new Map<Table, () => void>();
  readonly #removals = new Set<Promise<void>>();
  readonly #closing = new Set<Promise<void>>();
  readonly #remove: (table: Table) => Promise<void>;

  /** @param remove - called when nobody reads from a table that is obsolete */
  constructor(remove: (table: Table) => Promise<void>) {
    this.#remove = remove;
  }

  hold(tables: readonly Table[]): void {
    for (const table of tables) this.#holders.set(table, (this.#holders.get(table) ?? 0) + 1);
  }

  release(tables: readonly Table[]): void {
    for (const table of tables) {
      const left = (this.#holders.get(table) ?? 1) - 1;
      if (left > 0) this.#holders.set(table, left);
      else this.#end(table);
    }
  }

  /** The manifest does not name it any more. */
  retire(table: Table): void {
    const removal = new Promise<void>((resolve) => this.#obsolete.set(table, resolve));
    this.#removals.add(removal);
    void removal.then(() => this.#removals.delete(removal));
  }

  /** Resolves when the file of every table that is obsolete by now is removed. */
  async removed(): Promise<void> {
    await Promise.all(this.#removals);
  }

  /** Resolves when every table that was let go of is closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#closing);
  }

  #end(table: Table): void {
    this.#holders.delete(table);
    const closing = this.#close(table).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  async #close(table: Table): Promise<void> {
    await table.close();
    const tell = this.#obsolete.get(table);
    if (tell === undefined) return;
    await this.#remove(table);
    this.#obsolete.delete(table);
    tell();
  }
}

/** What a database consisted of at one moment. Kept, with its files, as long as somebody reads from it. */
export class RowView {
  /** Takes what is written now. */
  readonly active: Memtable;
  /** Full, and being written to a table. */
  readonly frozen: Memtable | undefined;
  /** Newest first. */
  readonly tables: readonly Table[];
  readonly #holds: TableHolds;
  #holders = 1;

  constructor(
    holds: TableHolds,
    parts: { readonly active: Memtable; readonly frozen?: Memtable | undefined; readonly tables: readonly Table[] },
  ) {
    this.active = parts.active;
    this.frozen = parts.frozen;
    this.tables = parts.tables;
    this.#holds = holds;
    holds.hold(parts.tables);
  }

  hold(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#holds.release(this.tables);
  }

  /**
   * @param sequence - batches behind this one are not seen
   * @throws DamagedTable
   */
  get(key: string, sequence: number): RowEntry | undefined {
    const recent = this.active.get(key, sequence) ?? this.frozen?.get(key, sequence);
    if (recent !== undefined) return recent;
    for (const table of this.tables) {
      const entry = table.get(key);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** @throws DamagedTable, then or while the cursor moves */
  cursor(start: CursorStart, sequence: number): RowCursor {
    const memtables = this.frozen === undefined ? [this.active] : [this.active, this.frozen];
    return new MergedCursor(
      [
        ...memtables.map((memtable) => memtable.cursor(start, sequence)),
        ...this.tables.map((table) => table.cursor(start, { cached: true })),
      ],
      start.direction,
    );
  }
}
