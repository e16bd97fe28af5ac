import type { Bounds } from '../row-batch.js';
import type { RowEntry } from './row-block.js';
import type { RowCursor } from './row-cursor.js';
import type { Table } from './table.js';
import { Turn } from './table-merge.js';

export interface HiddenRows {
  /** Tables that are to lose rows, the oldest first, each with the keys. */
  readonly found: readonly { readonly table: Table; readonly keys: ReadonlySet<string> }[];
  /** False when there may be more than were looked for at one go, or it was stopped. */
  readonly isComplete: boolean;
}

/** Keys held in memory at one go. */
const KEYS_MAX = 200_000;

/**
 * Rows that nobody reads any more, though their bytes are there: those that a newer table replaces, and deleted ones
 * with what says that they are deleted. Taken out of the oldest table first, nothing comes back at any moment between.
 *
 * @param tables - newest first
 * @throws DamagedTable
 */
export async function hiddenRows(
  tables: readonly Table[],
  ranges: readonly Bounds[],
  isStopped: () => boolean,
): Promise<HiddenRows> {
  const keys = new Map(tables.map((table) => [table, new Set<string>()]));
  const turn = new Turn();
  let count = 0;
  let isComplete = true;
  for (const holders of holdersWithin(tables, ranges)) {
    isComplete = !isStopped() && count < KEYS_MAX;
    if (!isComplete) break;
    for (const { table, key } of holders) keys.get(table)?.add(key);
    count += holders.length;
    if (turn.isOver()) await turn.pass();
  }
  const found = [...keys].map(([table, own]) => ({ table, keys: own })).filter((each) => each.keys.size > 0);
  return { found: found.reverse(), isComplete };
}

interface Holder {
  readonly table: Table;
  readonly key: string;
}

/** For one key after the other: which tables hold it for nothing. */
function* holdersWithin(tables: readonly Table[], ranges: readonly Bounds[]): Generator<Holder[]> {
  for (const { start, end } of ranges) {
    const cursors = tables.map((table) => table.cursor({ direction: 'forward', key: start }, { cached: false }));
    for (let key = smallest(cursors, end); key !== undefined; key = smallest(cursors, end)) {
      yield passKey(tables, cursors, key);
    }
  }
}

function smallest(cursors: readonly RowCursor[], end: string | undefined): string | undefined {
  let found: string | undefined;
  for (const { current } of cursors) {
    if (current !== undefined && (found === undefined || current.key < found)) found = current.key;
  }
  return found === undefined || (end !== undefined && found >= end) ? undefined : found;
}

/** Moves on behind a key. */
function passKey(
  tables: readonly Table[],
  cursors: readonly RowCursor[],
  key: string,
): { table: Table; key: string }[] {
  const holders: Holder[] = [];
  let newest: RowEntry | undefined;
  for (const [index, cursor] of cursors.entries()) {
    const entry = cursor.current;
    const table = tables[index];
    if (entry?.key !== key || table === undefined) continue;
    if (newest !== undefined || entry.row === undefined) holders.push({ table, key });
    newest ??= entry;
    cursor.next();
  }
  return holders;
}

/** The rows of a table without some of them. */
export class RowsWithout implements RowCursor {
  readonly #rows: RowCursor;
  readonly #left: ReadonlySet<string>;

  constructor(rows: RowCursor, left: ReadonlySet<string>) {
    this.#rows = rows;
    this.#left = left;
    this.#settle();
  }

  get current(): RowEntry | undefined {
    return this.#rows.current;
  }

  next(): void {
    this.#rows.next();
    this.#settle();
  }

  #settle(): void {
    while (this.#rows.current !== undefined && this.#left.has(this.#rows.current.key)) this.#rows.next();
  }
}
