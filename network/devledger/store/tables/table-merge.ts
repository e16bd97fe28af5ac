import { setImmediate } from 'node:timers/promises';
import { join } from 'node:path';
import type { FileSystem } from '../file-system.js';
import type { RowCursor } from './row-cursor.js';
import { type TableDescription, TableWriter, tableName } from './table-writer.js';

export interface NewTable {
  readonly files: FileSystem;
  readonly directory: string;
  readonly number: number;
  /** Whether no older table holds the keys that were deleted. */
  readonly dropDeleted: boolean;
  /** Told to stop: the database is being closed. */
  readonly isStopped: () => boolean;
}

const TABLES_PER_SIZE = 4;
/** Below the size ratio of four, so that tables merged four by four are of a size with each other and no other. */
const SIZE_RATIO = 2.5;
/** Tables below this count as one size: those a database leaves behind each time it is closed. */
const SIZE_MIN_BYTES = 1024 * 1024;

/**
 * Writes what a cursor passes into a new table, in turns. Durable on return.
 *
 * @returns undefined when it was stopped
 */
export async function writeTable(rows: RowCursor, table: NewTable): Promise<TableDescription | undefined> {
  const writer = await TableWriter.create(table.files, table.directory, table.number);
  let description: TableDescription | undefined;
  try {
    await writeRows(rows, writer, table);
    if (rows.current === undefined) description = await writer.finish();
  } finally {
    await writer.close();
    // What was begun takes up room, which may be just what is lacking.
    if (description === undefined) await table.files.remove(join(table.directory, tableName(table.number)));
  }
  await table.files.syncDirectory(table.directory);
  return description;
}

async function writeRows(rows: RowCursor, writer: TableWriter, { dropDeleted, isStopped }: NewTable): Promise<void> {
  const turn = new Turn();
  for (; rows.current !== undefined && !isStopped(); rows.next()) {
    if (!dropDeleted || rows.current.row !== undefined) writer.add(rows.current);
    if (writer.isFull) await writer.write();
    if (turn.isOver()) await turn.pass();
  }
}

/**
 * Which neighbours to merge next: as many as lie together, counted from the newest, that are about of a size. So every
 * row is written anew once for each fourfold growth, and a key is looked for in a few tables of each size at most.
 *
 * @param sizes - bytes of the tables, newest first
 * @returns first and number; undefined when nothing is due
 */
export function planMerge(sizes: readonly number[]): { readonly first: number; readonly count: number } | undefined {
  for (let first = 0; first + TABLES_PER_SIZE <= sizes.length; first += 1) {
    const sizeMax = Math.max(SIZE_MIN_BYTES, sizes[first] ?? 0) * SIZE_RATIO;
    let count = 1;
    while (first + count < sizes.length && (sizes[first + count] ?? 0) <= sizeMax) count += 1;
    if (count >= TABLES_PER_SIZE) return { first, count };
  }
  return undefined;
}

/** How long one piece of work may go on before others of the process get the event loop. */
const TURN_MS = 4;
/** The clock is looked at once in so many steps. */
const STEPS_PER_LOOK = 32;

export class Turn {
  #sinceMs = performance.now();
  #steps = 0;

  isOver(): boolean {
    this.#steps += 1;
    return this.#steps % STEPS_PER_LOOK === 0 && performance.now() - this.#sinceMs >= TURN_MS;
  }

  async pass(): Promise<void> {
    await setImmediate();
    this.#sinceMs = performance.now();
  }
}
