import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { destroyedDigest, namingDamage, parseShareRow, readContents, requireSchemaVersion } from './share-database.js';
import { DIGEST_SIZE_BYTES, type SharePlace, type ShareRow, type ShareRowSealer, toggled } from './share-rows.js';

const ROWS_PER_TURN = 500;

export type ShareStoreReport = {
  readonly ok: boolean;
  readonly rowsChecked: number;
  /** Rows that were changed, or stand under a key that is not theirs. */
  readonly corrupt: readonly SharePlace[];
  /** Rows that the sealed summary counts beyond those found; negative when there are too many. */
  readonly missingRows: number;
  /** Whether the rows are just those that the summary stands for; false as well when any is corrupt. */
  readonly complete: boolean;
};

/**
 * Checks every row of a store in one snapshot, giving way to other work between portions.
 *
 * @throws CustodyError STORE_CORRUPT when the file cannot be read through or its summary was changed
 */
export async function verifyShareDatabase(snapshot: DatabaseSync, sealer: ShareRowSealer): Promise<ShareStoreReport> {
  namingDamage(() => snapshot.exec('BEGIN'));
  namingDamage(() => requireSchemaVersion(snapshot));
  const contents = namingDamage(() => readContents(snapshot, sealer));
  const corrupt: SharePlace[] = [];
  let rowsChecked = 0;
  let setDigest: Uint8Array = new Uint8Array(DIGEST_SIZE_BYTES);
  for await (const row of rowsOf(snapshot)) {
    rowsChecked += 1;
    setDigest = toggled(setDigest, row.digest);
    const { recordId, version, ciphertextSha256, depositor } = row;
    if (!opens(sealer, row)) corrupt.push({ recordId, version, ciphertextSha256, depositor });
  }
  for (const { record_id: recordId } of namingDamage(() => snapshot.prepare('SELECT record_id FROM destroyed').all())) {
    setDigest = toggled(setDigest, destroyedDigest(sealer, String(recordId)));
  }
  const missingRows = (contents?.rowCount ?? 0) - rowsChecked;
  const complete = contents !== undefined && Buffer.compare(contents.setDigest, setDigest) === 0;
  return { ok: corrupt.length === 0 && complete && missingRows === 0, rowsChecked, corrupt, missingRows, complete };
}

async function* rowsOf(snapshot: DatabaseSync): AsyncGenerator<ShareRow> {
  const page = snapshot.prepare(`SELECT * FROM shares
    WHERE (record_id, version, ciphertext_sha256, depositor) > (?, ?, ?, ?)
    ORDER BY record_id, version, ciphertext_sha256, depositor LIMIT ?`);
  let last: SharePlace = { recordId: '', version: -1, ciphertextSha256: '', depositor: '' };
  for (;;) {
    const { recordId, version, ciphertextSha256, depositor } = last;
    const found = namingDamage(() => page.all(recordId, version, ciphertextSha256, depositor, ROWS_PER_TURN));
    const rows = found.map(parseShareRow);
    yield* rows;
    const end = rows.at(-1);
    if (end === undefined) return;
    last = end;
    await nextTurn();
  }
}

function opens(sealer: ShareRowSealer, row: ShareRow): boolean {
  try {
    sealer.open(row);
    return true;
  } catch {
    return false;
  }
}
