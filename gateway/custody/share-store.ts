import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createDirectory, syncDirectory } from '../durable-files.js';
import { CustodyError } from './custody-errors.js';
import { ShareDatabase } from './share-database.js';
import { type ShareOwnership, type SharePlace, type ShareRow, ShareRowSealer } from './share-rows.js';
import { type ShareStoreReport, verifyShareDatabase } from './share-store-scan.js';
import { loadStoreKeys } from './store-key.js';

export type { SharePlace } from './share-rows.js';
export type { ShareStoreReport } from './share-store-scan.js';

const DEPOSIT_SHARES_MAX = 1000;

export type ShareDeposit = ShareOwnership & { readonly share: Uint8Array };

export type HeldShare = { readonly patientId: string; readonly share: Uint8Array };

/**
 * The key shares that one custodian keeps. Safe to call at once from many places of one process; one process
 * at a time opens a store.
 */
export interface ShareStore {
  /**
   * Keeps a batch of shares, all or none. Durable on return. Depositing the same share again is a success, so a
   * caller without an answer repeats the whole batch.
   *
   * @param batch - at most 1000
   * @throws CustodyError SHARE_CONFLICT when the depositor gave another share or patient for a place, or the record was destroyed
   */
  deposit(batch: readonly ShareDeposit[]): Promise<{ stored: number; alreadyHeld: number }>;

  /**
   * @returns undefined when there is none
   * @throws CustodyError STORE_CORRUPT when there is one that was changed
   */
  read(place: SharePlace): Promise<HeldShare | undefined>;

  /**
   * Erases all shares of a record for good: durable on return, the bytes are overwritten in the file, and the
   * record can never be deposited again. Destroying what is not there is a success.
   */
  destroy(recordId: string): Promise<{ sharesDestroyed: number }>;

  /** Checks every row and that none is missing or too many. Reads a snapshot: deposits go on meanwhile. */
  verifyAll(): Promise<ShareStoreReport>;

  close(): Promise<void>;
}

/**
 * Opens, or creates, the share store of a custodian in a directory: an SQLite file, and a key file that belongs in
 * a separate backup.
 *
 * @throws CustodyError STORE_CORRUPT when files are missing, damaged or of another custodian
 */
export async function openShareStore(options: { directory: string; mspId: string }): Promise<ShareStore> {
  await createDirectory(options.directory);
  const file = join(options.directory, 'shares.sqlite');
  const keys = await loadStoreKeys(join(options.directory, 'share-store.key'), existsSync(file));
  const sealer = new ShareRowSealer(keys, options.mspId);
  const database = ShareDatabase.open(file, sealer);
  await syncDirectory(options.directory);
  return new SqliteShareStore(file, sealer, database);
}

class SqliteShareStore implements ShareStore {
  readonly #file: string;
  readonly #sealer: ShareRowSealer;
  readonly #database: ShareDatabase;

  constructor(file: string, sealer: ShareRowSealer, database: ShareDatabase) {
    this.#file = file;
    this.#sealer = sealer;
    this.#database = database;
  }

  async deposit(batch: readonly ShareDeposit[]): Promise<{ stored: number; alreadyHeld: number }> {
    if (batch.length > DEPOSIT_SHARES_MAX) {
      throw new RangeError(`At most ${DEPOSIT_SHARES_MAX} shares are deposited at once: split the batch`);
    }
    return this.#database.inTransaction(() => {
      let stored = 0;
      for (const deposit of batch) {
        if (this.#isHeld(deposit)) continue;
        this.#database.insert(this.#sealer.seal(deposit, deposit.share));
        stored += 1;
      }
      return { stored, alreadyHeld: batch.length - stored };
    });
  }

  async read(place: SharePlace): Promise<HeldShare | undefined> {
    const row = this.#database.find(place);
    return row === undefined ? undefined : { patientId: row.patientId, share: this.#sealer.open(row) };
  }

  async destroy(recordId: string): Promise<{ sharesDestroyed: number }> {
    const sharesDestroyed = this.#database.inTransaction(() => this.#database.destroy(recordId));
    // Overwritten pages stand in the write-ahead log until it is folded into the file and cut.
    this.#database.checkpoint();
    return { sharesDestroyed };
  }

  async verifyAll(): Promise<ShareStoreReport> {
    const snapshot = new DatabaseSync(this.#file, { readOnly: true });
    try {
      return await verifyShareDatabase(snapshot, this.#sealer);
    } finally {
      snapshot.close();
    }
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  #isHeld(deposit: ShareDeposit): boolean {
    const { recordId, version, patientId } = deposit;
    if (this.#database.isDestroyed(recordId)) {
      throw new CustodyError('SHARE_CONFLICT', `Record ${recordId} was erased: its shares are not taken again`);
    }
    const row: ShareRow | undefined = this.#database.find(deposit);
    if (row === undefined) return false;
    const same = row.patientId === patientId && Buffer.compare(this.#sealer.open(row), deposit.share) === 0;
    if (same) return true;
    const message = `Another share is held for this ciphertext of record ${recordId} version ${version}: seal the record anew`;
    throw new CustodyError('SHARE_CONFLICT', message);
  }
}
