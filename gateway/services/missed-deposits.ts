import { openDurableDatabase } from '../durable-database.js';
import { fromBase64url, toBase64url } from '@medledger/chaincode/domain';
import type { SealedDeposit } from '../custody/deposit.js';
import type { CustodianDoor } from './custodians.js';

/** Shares that a custodian did not take in time, kept sealed to it until it does. */
export interface MissedDeposits {
  keep(missed: { custodian: string; deposit: SealedDeposit }): void;
  /** Brings what it can, oldest first; stops at a custodian that still does not answer. */
  bring(doors: readonly CustodianDoor[]): Promise<{ brought: number; left: number }>;
  count(): number;
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS missed_deposits (
    id INTEGER PRIMARY KEY, custodian TEXT NOT NULL, deposit TEXT NOT NULL
  ) STRICT`;

export function openMissedDeposits(path: string): MissedDeposits {
  const database = openDurableDatabase(path, SCHEMA);
  const insert = database.prepare('INSERT INTO missed_deposits (custodian, deposit) VALUES (?, ?)');
  const oldest = database.prepare('SELECT id, deposit FROM missed_deposits WHERE custodian = ? ORDER BY id LIMIT 1');
  const remove = database.prepare('DELETE FROM missed_deposits WHERE id = ?');
  const counted = database.prepare('SELECT count(*) AS n FROM missed_deposits');
  const count = () => Number(counted.get()?.n ?? 0);

  async function bringTo(door: CustodianDoor): Promise<number> {
    for (let brought = 0; ; brought++) {
      const row = oldest.get(door.mspId);
      if (row === undefined) return brought;
      try {
        await door.depositShares(parseDeposit(String(row.deposit)));
      } catch {
        return brought;
      }
      remove.run(Number(row.id));
    }
  }

  return {
    keep: ({ custodian, deposit }) => void insert.run(custodian, formatDeposit(deposit)),
    async bring(doors) {
      const counts = await Promise.all(doors.map(bringTo));
      return { brought: counts.reduce((sum, brought) => sum + brought, 0), left: count() };
    },
    count,
    close: () => database.close(),
  };
}

function formatDeposit({ enc, items }: SealedDeposit): string {
  return JSON.stringify({
    enc: toBase64url(enc),
    items: items.map((item) => ({ ...item, sealed: toBase64url(item.sealed) })),
  });
}

type DepositJson = { enc: string; items: (Omit<SealedDeposit['items'][number], 'sealed'> & { sealed: string })[] };

function parseDeposit(text: string): SealedDeposit {
  const { enc, items } = JSON.parse(text) as DepositJson;
  return { enc: fromBase64url(enc), items: items.map((item) => ({ ...item, sealed: fromBase64url(item.sealed) })) };
}
