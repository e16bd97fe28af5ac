import type { RowView } from './tables/row-view.js';

export interface RowRange {
  readonly gte: Buffer;
  readonly lt?: Buffer;
  readonly lte?: Buffer;
}

/** Deleted keys passed over at one go. */
const BATCH_STEPS_MAX = 1024;

/** Start inclusive, end exclusive; one byte per character. */
export interface Bounds {
  readonly start: string;
  readonly end: string | undefined;
}

export interface Batch {
  readonly rows: readonly [key: Buffer, row: Buffer][];
  /** What was not read yet; undefined when nothing is left. */
  readonly rest: Bounds | undefined;
}

export interface WantedBatch {
  readonly bounds: Bounds;
  /** Rows at most. */
  readonly size: number;
  readonly reverse: boolean;
}

/** @throws DamagedTable */
export function readBatch(view: RowView, sequence: number, { bounds, size, reverse }: WantedBatch): Batch {
  const rows: [Buffer, Buffer][] = [];
  const start = reverse ? bounds.end : bounds.start;
  const cursor = view.cursor({ direction: reverse ? 'backward' : 'forward', key: start }, sequence);
  let last = '';
  for (let steps = 0; rows.length < size && steps < BATCH_STEPS_MAX; steps += 1) {
    if (cursor.current === undefined || !isWithin(cursor.current.key, bounds)) return { rows, rest: undefined };
    const { key, row } = cursor.current;
    if (row !== undefined) rows.push([Buffer.from(key, 'latin1'), row]);
    last = key;
    cursor.next();
  }
  return { rows, rest: reverse ? { ...bounds, end: last } : { ...bounds, start: `${last}\u0000` } };
}

export function boundsOf({ gte, lt, lte }: RowRange): Bounds {
  const start = gte.toString('latin1');
  // The key behind another one is that key and a zero byte.
  if (lte !== undefined) return { start, end: `${lte.toString('latin1')}\u0000` };
  return { start, end: lt?.toString('latin1') };
}

function isWithin(key: string, { start, end }: Bounds): boolean {
  return key >= start && (end === undefined || key < end);
}
