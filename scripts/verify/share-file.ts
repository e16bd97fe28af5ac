import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { CustodyError } from '../../gateway/custody/custody-errors.js';
import { namingDamage } from '../../gateway/custody/share-database.js';
import { type SharePlace, ShareRowSealer } from '../../gateway/custody/share-rows.js';
import { type ShareStoreReport, verifyShareDatabase } from '../../gateway/custody/share-store-scan.js';
import { loadStoreKeys } from '../../gateway/custody/store-key.js';

/** One custodian's share store, read without its gateway. */
export interface ShareFile {
  readonly report: ShareStoreReport;
  /** Whose share lies at a place, where it is whole. */
  patientOf(place: SharePlace): string | undefined;
  close(): void;
}

const FIND =
  'SELECT patient_id FROM shares WHERE record_id = ? AND version = ? AND ciphertext_sha256 = ? AND depositor = ?';

/**
 * Opens the store for reading and checks every row of it. The gateway may be using it meanwhile.
 *
 * @param directory - `custody` of a gateway
 * @throws CustodyError STORE_CORRUPT when key or file are missing or damaged
 */
export async function openShareFile(directory: string, mspId: string): Promise<ShareFile> {
  const file = join(directory, 'shares.sqlite');
  if (!existsSync(file)) throw new CustodyError('STORE_CORRUPT', `There is no ${file}: restore it from its backup`);
  // Of a store that exists the key is read and never made.
  const sealer = new ShareRowSealer(await loadStoreKeys(join(directory, 'share-store.key'), true), mspId);
  const database = namingDamage(() => new DatabaseSync(placeOf(file), { readOnly: true }));
  try {
    const report = await verifyShareDatabase(database, sealer);
    const corrupt = new Set(report.corrupt.map(placeText));
    const find = namingDamage(() => database.prepare(FIND));
    return {
      report,
      patientOf(place) {
        if (corrupt.has(placeText(place))) return undefined;
        const { recordId, version, ciphertextSha256, depositor } = place;
        const row = namingDamage(() => find.get(recordId, version, ciphertextSha256, depositor));
        return typeof row?.patient_id === 'string' ? row.patient_id : undefined;
      },
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * A store that nobody has open has no write-ahead log. SQLite would make one even for reading, and leave it there with
 * an owner who may not be the gateway's: told that the file cannot change, it does not.
 */
function placeOf(file: string): URL {
  const place = pathToFileURL(file);
  if (!existsSync(`${file}-wal`)) place.searchParams.set('immutable', '1');
  return place;
}

function placeText({ recordId, version, ciphertextSha256, depositor }: SharePlace): string {
  return `${recordId} ${version} ${ciphertextSha256} ${depositor}`;
}
