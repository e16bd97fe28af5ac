import type { DatabaseSync } from 'node:sqlite';
import { type LogLine, logLinesOf, parseOutcome } from '@medledger/chaincode/domain';
import type { LogItem, PageOf } from '../services/medledger.js';
import { formatCursor, parseCursor } from './projection-cursor.js';

interface EntryRow {
  readonly blockNumber: number;
  readonly place: number;
  readonly memberId: string;
  readonly sequence: number;
  readonly txId: string;
  readonly timeMs: number;
  readonly entryHash: string;
  readonly outcome: string;
  readonly role: string;
  readonly agencyId: string | null;
  readonly organisation: string;
  readonly keyCustody: string;
}

/** Where a page begins: an entry, and how many of its lines earlier pages have shown. */
interface Place {
  readonly blockNumber: number;
  readonly place: number;
  readonly linesShown: number;
}

const MARK = 'log';
const NEWEST: Place = { blockNumber: Number.MAX_SAFE_INTEGER, place: 0, linesShown: 0 };

/** The access log of one patient, newest first; pages stay put while new entries come in above them. */
export function accessLogReader(database: DatabaseSync) {
  const select = database.prepare(
    `SELECT * FROM entries WHERE patientId = ? AND (blockNumber, place) <= (?, ?)
     ORDER BY blockNumber DESC, place DESC LIMIT ?`,
  );
  return (input: { patientId: string; limit: number; cursor?: string }): PageOf<LogItem> => {
    const from = input.cursor === undefined ? NEWEST : parsePlace(input.cursor);
    // Every entry has at least one line, and the first may have been shown in part.
    const rows = parseRows(select.all(input.patientId, from.blockNumber, from.place, input.limit + 1));
    const lines = rows.flatMap((row) => linesOf(row));
    const isFirst = (row: EntryRow) => row.blockNumber === from.blockNumber && row.place === from.place;
    const unseen = lines.filter(({ row, line }) => !isFirst(row) || line >= from.linesShown);
    const next = unseen[input.limit];
    const items = unseen.slice(0, input.limit).map(({ item }) => item);
    if (next === undefined) return { items };
    return { items, next: formatCursor(MARK, [next.row.blockNumber, next.row.place, next.line]) };
  };
}

function linesOf(row: EntryRow): readonly { row: EntryRow; line: number; item: LogItem }[] {
  return logLinesOf(parseOutcome(row.outcome)).map((line, index) => ({ row, line: index, item: itemOf(row, line) }));
}

function itemOf(row: EntryRow, { classes: _classes, ...line }: LogLine): LogItem {
  const { memberId, role, agencyId, organisation, keyCustody } = row;
  return {
    ...line,
    timeMs: row.timeMs,
    actor: { memberId, role, organisation, keyCustody, ...(agencyId !== null && { agencyId }) },
    transactionId: row.txId,
    blockNumber: row.blockNumber,
    sequence: row.sequence,
    hash: row.entryHash,
  };
}

function parsePlace(cursor: string): Place {
  const [blockNumber = 0, place = 0, linesShown = 0] = parseCursor(cursor, MARK, 3);
  return { blockNumber, place, linesShown };
}

/** The columns are STRICT and written by block-writer.ts alone. */
function parseRows(rows: unknown): readonly EntryRow[] {
  return rows as readonly EntryRow[];
}
