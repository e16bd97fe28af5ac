import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { CustodyError } from './custody-errors.js';
import { DIGEST_SIZE_BYTES, type SharePlace, type ShareRow, type ShareRowSealer, toggled } from './share-rows.js';

const FIND = 'SELECT * FROM shares WHERE record_id = ? AND version = ? AND ciphertext_sha256 = ? AND depositor = ?';
const INSERT = `INSERT INTO shares (record_id, version, ciphertext_sha256, depositor, patient_id, sealed, digest)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;
/** Kept in the file as SQLite's user_version. Older files, whose shares had no depositor, say 0. */
const SCHEMA_VERSION = 2;
const SCHEMA = `
  CREATE TABLE shares (
    record_id TEXT NOT NULL, version INTEGER NOT NULL, ciphertext_sha256 TEXT NOT NULL, depositor TEXT NOT NULL,
    patient_id TEXT NOT NULL, sealed BLOB NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (record_id, version, ciphertext_sha256, depositor)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE destroyed (record_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE contents (
    id INTEGER PRIMARY KEY CHECK (id = 1), row_count INTEGER NOT NULL, set_digest BLOB NOT NULL, seal BLOB NOT NULL
  ) STRICT;
`;
// SQLITE_CORRUPT and SQLITE_NOTADB; and ERROR, CONSTRAINT and MISMATCH, which statements that never change meet only
// when the tables are no longer those they were written for.
const DAMAGE_CODES = [11, 26, 1, 19, 20];

/** What the store holds in all: the number of its rows and one digest over them and the destroyed records. */
export type StoreContents = { readonly rowCount: number; readonly setDigest: Uint8Array };

/**
 * The tables of a share store. Each change also updates a sealed summary of all rows, so that a row that vanished
 * or came back from an old copy is found by the scan.
 */
export class ShareDatabase {
  readonly #database: DatabaseSync;
  readonly #sealer: ShareRowSealer;
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #isDestroyed: StatementSync;
  #digestsToToggle: Uint8Array[] = [];
  #rowDelta = 0;

  /** @throws CustodyError STORE_CORRUPT when the file is no store of this custodian */
  static open(file: string, sealer: ShareRowSealer): ShareDatabase {
    return namingDamage(() => {
      const database = new DatabaseSync(file);
      try {
        // FULL: a transaction is in the file, not only in the system's cache, when it returns.
        database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
        makeTablesIfNew(database);
        requireSchemaVersion(database);
        const shareDatabase = new ShareDatabase(database, sealer);
        shareDatabase.inTransaction(() => shareDatabase.#readOrStartContents());
        return shareDatabase;
      } catch (error) {
        database.close();
        throw error;
      }
    });
  }

  private constructor(database: DatabaseSync, sealer: ShareRowSealer) {
    this.#database = database;
    this.#sealer = sealer;
    this.#find = database.prepare(FIND);
    this.#insert = database.prepare(INSERT);
    this.#isDestroyed = database.prepare('SELECT 1 FROM destroyed WHERE record_id = ?');
  }

  /**
   * Runs an action as one transaction, with the summary brought up to date once at its end: all of it is durable
   * on return, or none of it happened.
   */
  inTransaction<Result>(action: () => Result): Result {
    return namingDamage(() => {
      this.#digestsToToggle = [];
      this.#rowDelta = 0;
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const result = action();
        this.#bringContentsUpToDate();
        this.#database.exec('COMMIT');
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  find({ recordId, version, ciphertextSha256, depositor }: SharePlace): ShareRow | undefined {
    const row = namingDamage(() => this.#find.get(recordId, version, ciphertextSha256, depositor));
    return row === undefined ? undefined : parseShareRow(row);
  }

  /** Only inside inTransaction. */
  insert(row: ShareRow): void {
    const { recordId, version, ciphertextSha256, depositor, patientId, sealed, digest } = row;
    this.#insert.run(recordId, version, ciphertextSha256, depositor, patientId, sealed, digest);
    this.#digestsToToggle.push(digest);
    this.#rowDelta += 1;
  }

  isDestroyed(recordId: string): boolean {
    return namingDamage(() => this.#isDestroyed.get(recordId)) !== undefined;
  }

  /** Only inside inTransaction. @returns how many shares there were */
  destroy(recordId: string): number {
    if (this.isDestroyed(recordId)) return 0;
    const rows = this.#database.prepare('SELECT * FROM shares WHERE record_id = ?').all(recordId).map(parseShareRow);
    this.#database.prepare('DELETE FROM shares WHERE record_id = ?').run(recordId);
    this.#database.prepare('INSERT INTO destroyed (record_id) VALUES (?)').run(recordId);
    this.#digestsToToggle.push(...rows.map((row) => row.digest), destroyedDigest(this.#sealer, recordId));
    this.#rowDelta -= rows.length;
    return rows.length;
  }

  /** Folds the write-ahead log into the file and empties it. */
  checkpoint(): void {
    namingDamage(() => this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)'));
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #bringContentsUpToDate(): void {
    if (this.#digestsToToggle.length === 0) return;
    const before = this.#readOrStartContents();
    const setDigest = this.#digestsToToggle.reduce(toggled, before.setDigest);
    this.#writeContents({ rowCount: before.rowCount + this.#rowDelta, setDigest });
  }

  #readOrStartContents(): StoreContents {
    const contents = readContents(this.#database, this.#sealer);
    if (contents !== undefined) return contents;
    const { count } = this.#database.prepare('SELECT count(*) AS count FROM shares').get() ?? {};
    if (count !== 0) throw damaged('The summary of the share store is missing');
    const empty = { rowCount: 0, setDigest: new Uint8Array(DIGEST_SIZE_BYTES) };
    this.#writeContents(empty);
    return empty;
  }

  #writeContents({ rowCount, setDigest }: StoreContents): void {
    const seal = this.#sealer.digestOf('contents', [rowCount, setDigest]);
    this.#database
      .prepare('INSERT OR REPLACE INTO contents (id, row_count, set_digest, seal) VALUES (1, ?, ?, ?)')
      .run(rowCount, setDigest, seal);
  }
}

/** The version is written together with the tables: a file has both or neither. */
function makeTablesIfNew(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE');
  if (database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined)
    database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`);
  database.exec('COMMIT');
}

/** @throws CustodyError STORE_CORRUPT when the tables are those of another version of this program */
export function requireSchemaVersion(database: DatabaseSync): void {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() ?? {};
  if (version === SCHEMA_VERSION) return;
  const message = `The share store is of version ${version}, this program reads version ${SCHEMA_VERSION}`;
  throw new CustodyError(
    'STORE_CORRUPT',
    `${message}: start with a new data folder, or run the program that wrote this one`,
  );
}

/** @throws CustodyError STORE_CORRUPT when the summary was changed or belongs to another custodian or key */
export function readContents(database: DatabaseSync, sealer: ShareRowSealer): StoreContents | undefined {
  const row = database.prepare('SELECT row_count, set_digest, seal FROM contents WHERE id = 1').get();
  if (row === undefined) return undefined;
  const { row_count: rowCount, set_digest: setDigest, seal } = row;
  if (typeof rowCount === 'number' && setDigest instanceof Uint8Array && seal instanceof Uint8Array) {
    const expected = sealer.digestOf('contents', [Math.max(0, rowCount), setDigest]);
    if (Buffer.compare(expected, seal) === 0) return { rowCount, setDigest };
  }
  throw damaged('The summary of the share store was changed, or is not of this custodian and key');
}

export function destroyedDigest(sealer: ShareRowSealer, recordId: string): Uint8Array {
  return sealer.digestOf('destroyed', [recordId]);
}

export function parseShareRow(row: Record<string, SQLOutputValue>): ShareRow {
  const { record_id: recordId, version, ciphertext_sha256: ciphertextSha256 } = row;
  const { depositor, patient_id: patientId, sealed, digest } = row;
  if (typeof recordId !== 'string' || typeof version !== 'number' || typeof ciphertextSha256 !== 'string') {
    throw damaged('A row of the share store has no key');
  }
  if (typeof depositor !== 'string')
    throw damaged(`The share of record ${recordId} version ${version} has no depositor`);
  if (typeof patientId !== 'string' || !(sealed instanceof Uint8Array) || !(digest instanceof Uint8Array)) {
    throw damaged(`The share of record ${recordId} version ${version} has no content`);
  }
  return { recordId, version, ciphertextSha256, depositor, patientId, sealed, digest };
}

/** Turns SQLite's report of a damaged file into one that says so. */
export function namingDamage<Result>(action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    const extendedCode = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined;
    // The low byte is the primary code; the rest says more precisely where SQLite met it.
    if (typeof extendedCode === 'number' && DAMAGE_CODES.includes(extendedCode & 0xff)) {
      throw new CustodyError('STORE_CORRUPT', 'The file of the share store is damaged: restore it from its backup', {
        cause: error,
      });
    }
    throw error;
  }
}

function damaged(what: string): CustodyError {
  return new CustodyError('STORE_CORRUPT', `${what}: restore the store from its backup`);
}
