import type { DatabaseSync } from 'node:sqlite';
import type { ActivityRow } from '../services/medledger.js';
import { dayOf } from './block-facts.js';

/** Counts of whole days: of every day that has a part in the span, whose end no longer counts. */
export function activityReader(database: DatabaseSync) {
  const select = database.prepare(
    `SELECT day, class, records, openings, refusals, grants FROM activity
     WHERE day BETWEEN ? AND ? ORDER BY day, class`,
  );
  return (span: { fromMs: number; toMs: number }): readonly ActivityRow[] =>
    parseRows(select.all(dayOf(span.fromMs), dayOf(span.toMs - 1)));
}

/** The columns are STRICT and written by block-writer.ts alone. */
function parseRows(rows: unknown): readonly ActivityRow[] {
  return (rows as readonly ActivityRow[]).map((row) => ({ ...row }));
}
