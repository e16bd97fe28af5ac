import type { DatabaseSync } from 'node:sqlite';
import type { ExplorerBlock, ExplorerTransaction, PageOf } from '../services/medledger.js';
import { formatCursor, parseCursor } from './projection-cursor.js';

export interface Explorer {
  /** Newest first. */
  blocks(page: { limit: number; cursor?: string }): PageOf<ExplorerBlock>;
  block(number: number): ExplorerBlock | undefined;
  /** Where an id came twice, the valid one: Fabric marks the later one as a duplicate. */
  transaction(transactionId: string): ExplorerTransaction | undefined;
  blockNumberOf(transactionId: string): number | undefined;
}

const MARK = 'block';

interface BlockRow {
  readonly number: number;
  readonly hash: string;
  readonly previousHash: string;
  readonly dataHash: string;
  readonly timeMs: number | null;
}

interface TransactionRow {
  readonly blockNumber: number;
  readonly place: number;
  readonly txId: string;
  readonly timeMs: number;
  readonly validationCode: string;
  readonly name: string | null;
  readonly creatorMspId: string;
  readonly creatorMemberId: string | null;
  readonly endorsers: string;
}

export function explorerReader(database: DatabaseSync): Explorer {
  const selectBlocks = database.prepare('SELECT * FROM blocks WHERE number <= ? ORDER BY number DESC LIMIT ?');
  const selectTransactions = database.prepare('SELECT * FROM transactions WHERE blockNumber = ? ORDER BY place');
  const selectById = database.prepare(
    "SELECT * FROM transactions WHERE txId = ? ORDER BY validationCode = 'VALID' DESC, blockNumber, place LIMIT 1",
  );
  const show = (row: BlockRow) => showBlock(row, parseTransactions(selectTransactions.all(row.number)));
  const byId = (transactionId: string) => parseTransactions(selectById.all(transactionId))[0];
  return {
    blocks: ({ limit, cursor }) => {
      const [highest = 0] = cursor === undefined ? [Number.MAX_SAFE_INTEGER] : parseCursor(cursor, MARK, 1);
      const rows = parseBlocks(selectBlocks.all(highest, limit + 1));
      const next = rows[limit];
      const items = rows.slice(0, limit).map(show);
      return next === undefined ? { items } : { items, next: formatCursor(MARK, [next.number]) };
    },
    block: (number) => {
      const row = parseBlocks(selectBlocks.all(number, 1)).find((found) => found.number === number);
      return row === undefined ? undefined : show(row);
    },
    transaction: (transactionId) => {
      const row = byId(transactionId);
      return row === undefined ? undefined : showTransaction(row);
    },
    blockNumberOf: (transactionId) => byId(transactionId)?.blockNumber,
  };
}

function showBlock({ timeMs, ...row }: BlockRow, transactions: readonly TransactionRow[]): ExplorerBlock {
  return { ...row, transactions: transactions.map(showTransaction), ...(timeMs !== null && { timeMs }) };
}

function showTransaction(row: TransactionRow): ExplorerTransaction {
  const { blockNumber, place, timeMs, validationCode, name, creatorMspId, creatorMemberId } = row;
  return {
    transactionId: row.txId,
    blockNumber,
    index: place,
    timeMs,
    validationCode,
    creator: { organisation: creatorMspId, ...(creatorMemberId !== null && { memberId: creatorMemberId }) },
    endorsers: parseEndorsers(row.endorsers),
    ...(name !== null && { transaction: name }),
  };
}

function parseBlocks(rows: unknown): readonly BlockRow[] {
  return rows as readonly BlockRow[];
}

function parseTransactions(rows: unknown): readonly TransactionRow[] {
  return rows as readonly TransactionRow[];
}

function parseEndorsers(json: string): readonly string[] {
  return JSON.parse(json) as readonly string[];
}
