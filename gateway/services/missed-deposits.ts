import { openDurableDatabase } from '../durable-database.js';
import { fromBase64url, toBase64url } from '@medledger/chaincode/domain';
import type { SealedDeposit } from '../custody/deposit.js';
import type { CustodianDoor } from './custodians.js';

/** Shares that a custodian did not take in time, kept sealed to it until it does. */
export interface MissedDeposits {
  keep(missed: { custodian: string; deposit: SealedDeposit }): void;
  /**
   * Brings what it can, oldest first; stops at a custodian that still does not answer. What a custodian will never take
   * is dropped and told, so that it does not stand in the way of all that came after it.
   */
  bring(
    doors: readonly CustodianDoor[],
  ): Promise<{ brought: number; left: number; refused: readonly RefusedDeposit[] }>;
  count(): number;
  close(): void;
}

export interface RefusedDeposit {
  readonly custodian: string;
  readonly recordIds: readonly string[];
  readonly reason: string;
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

  async function bringTo(door: CustodianDoor): Promise<readonly ('taken' | RefusedDeposit)[]> {
    const answers: ('taken' | RefusedDeposit)[] = [];
    for (let row = oldest.get(door.mspId); row !== undefined; row = oldest.get(door.mspId)) {
      const answer = await bringOne(door, parseDeposit(String(row.deposit)));
      if (answer === 'silent') break;
      answers.push(answer);
      remove.run(Number(row.id));
    }
    return answers;
  }

  return {
    keep: ({ custodian, deposit }) => void insert.run(custodian, formatDeposit(deposit)),
    async bring(doors) {
      const answers = (await Promise.all(doors.map(bringTo))).flat();
      const refused = answers.filter((answer) => answer !== 'taken');
      return { brought: answers.length - refused.length, left: count(), refused };
    },
    count,
    close: () => database.close(),
  };
}

/** A conflict stays one however often the deposit is brought; everything else may pass. */
async function bringOne(door: CustodianDoor, deposit: SealedDeposit): Promise<'taken' | 'silent' | RefusedDeposit> {
  try {
    await door.depositShares(deposit);
    return 'taken';
  } catch (error) {
    const isConflict = error instanceof Error && 'code' in error && error.code === 'SHARE_CONFLICT';
    if (!isConflict) return 'silent';
    const recordIds = deposit.items.map(({ recordId }) => recordId);
    return { custodian: door.mspId, recordIds, reason: error.message };
  }
}

function formatDeposit({ depositor, enc, items }: SealedDeposit): string {
  return JSON.stringify({
    depositor,
    enc: toBase64url(enc),
    items: items.map((item) => ({ ...item, sealed: toBase64url(item.sealed) })),
  });
}

type DepositJson = {
  depositor: string;
  enc: string;
  items: (Omit<SealedDeposit['items'][number], 'sealed'> & { sealed: string })[];
};

function parseDeposit(text: string): SealedDeposit {
  const { depositor, enc, items } = JSON.parse(text) as DepositJson;
  const sealed = items.map((item) => ({ ...item, sealed: fromBase64url(item.sealed) }));
  return { depositor, enc: fromBase64url(enc), items: sealed };
}
