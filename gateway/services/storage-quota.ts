import { openDurableDatabase } from '../durable-database.js';
import { MedledgerError } from '../medledger-error.js';
import type { AddedRecords, RecordsToAdd } from './add-records.js';

/** What one member may have stored through this gateway, in all. */
export interface QuotaLimits {
  /** Of contents, before they are encrypted. */
  readonly sizeBytesMax: number;
  readonly recordsMax: number;
}

export interface Amount {
  readonly sizeBytes: number;
  readonly records: number;
}

/** How much each member has stored. Durable on return. */
export interface StorageQuota {
  /**
   * Counts what is about to be stored, before anything of it is.
   *
   * @throws MedledgerError QUOTA_EXCEEDED, with limits and use
   */
  reserve(memberId: string, amount: Amount): void;
  /** Takes back what was counted and then not stored. */
  release(memberId: string, amount: Amount): void;
  usedBy(memberId: string): Amount;
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS stored (
    member_id TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, records INTEGER NOT NULL
  ) STRICT`;

export function openStorageQuota(path: string, limits: QuotaLimits): StorageQuota {
  const database = openDurableDatabase(path, SCHEMA);
  const select = database.prepare('SELECT size_bytes, records FROM stored WHERE member_id = ?');
  // One statement looks and counts: of two additions at once only what fits is taken.
  const add = database.prepare(
    `INSERT INTO stored (member_id, size_bytes, records) SELECT :id, :bytes, :records
       WHERE :bytes <= :bytesMax AND :records <= :recordsMax
     ON CONFLICT (member_id) DO UPDATE SET size_bytes = size_bytes + :bytes, records = records + :records
       WHERE size_bytes + :bytes <= :bytesMax AND records + :records <= :recordsMax`,
  );
  const take = database.prepare(
    'UPDATE stored SET size_bytes = max(0, size_bytes - ?), records = max(0, records - ?) WHERE member_id = ?',
  );
  const usedBy = (memberId: string): Amount => {
    const { size_bytes: sizeBytes = 0, records = 0 } = select.get(memberId) ?? {};
    return { sizeBytes: Number(sizeBytes), records: Number(records) };
  };
  return {
    reserve(memberId, { sizeBytes: bytes, records }) {
      const { sizeBytesMax: bytesMax, recordsMax } = limits;
      if (add.run({ id: memberId, bytes, records, bytesMax, recordsMax }).changes > 0) return;
      throw exceeded(limits, usedBy(memberId));
    },
    release: (memberId, { sizeBytes, records }) => void take.run(sizeBytes, records, memberId),
    usedBy,
    close: () => database.close(),
  };
}

function exceeded({ sizeBytesMax, recordsMax }: QuotaLimits, used: Amount): MedledgerError {
  const { sizeBytes: sizeBytesUsed, records: recordsUsed } = used;
  const quota = { sizeBytesMax, sizeBytesUsed, recordsMax, recordsUsed };
  return new MedledgerError('QUOTA_EXCEEDED', undefined, { extra: { quota } });
}

type Add = (input: RecordsToAdd) => Promise<AddedRecords>;

/** Adds what the author's quota has room for. What was refused, or was there already, is not counted. */
export function addWithin(quota: StorageQuota, add: Add): Add {
  return async (input) => {
    const { memberId } = input.identity;
    const sizeBytes = input.records.reduce((sum, { content }) => sum + content.length, 0);
    const amount = { sizeBytes, records: input.records.length };
    quota.reserve(memberId, amount);
    try {
      const added = await add(input);
      // Without a block it is what an earlier try has added, and has counted.
      if (added.blockNumber === undefined) quota.release(memberId, amount);
      return added;
    } catch (error) {
      // It may still be committed; then it is stored.
      if (!(error instanceof Error && 'code' in error && error.code === 'OUTCOME_UNKNOWN'))
        quota.release(memberId, amount);
      throw error;
    }
  };
}
