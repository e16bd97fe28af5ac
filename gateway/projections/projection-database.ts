import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Counts changes of the schema or of what is put into it: a file of another version is built anew from the chain. */
const VERSION = 1;

const TABLES = `
  CREATE TABLE blocks (
    number INTEGER PRIMARY KEY, hash TEXT NOT NULL, previousHash TEXT NOT NULL, dataHash TEXT NOT NULL, timeMs INTEGER
  ) STRICT;
  CREATE TABLE transactions (
    blockNumber INTEGER NOT NULL, place INTEGER NOT NULL, txId TEXT NOT NULL, timeMs INTEGER NOT NULL,
    validationCode TEXT NOT NULL, name TEXT, creatorMspId TEXT NOT NULL, creatorMemberId TEXT, endorsers TEXT NOT NULL,
    PRIMARY KEY (blockNumber, place)
  ) STRICT;
  CREATE INDEX transactionById ON transactions (txId);
  CREATE TABLE members (
    memberId TEXT PRIMARY KEY, role TEXT NOT NULL, agencyId TEXT, organisation TEXT NOT NULL, keyCustody TEXT NOT NULL
  ) STRICT;
  CREATE TABLE entries (
    patientId TEXT NOT NULL, blockNumber INTEGER NOT NULL, place INTEGER NOT NULL, memberId TEXT NOT NULL,
    sequence INTEGER NOT NULL, txId TEXT NOT NULL, timeMs INTEGER NOT NULL, entryHash TEXT NOT NULL, outcome TEXT NOT NULL,
    role TEXT NOT NULL, agencyId TEXT, organisation TEXT NOT NULL, keyCustody TEXT NOT NULL,
    PRIMARY KEY (patientId, blockNumber, place, memberId)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE activity (
    day TEXT NOT NULL, class TEXT NOT NULL, records INTEGER NOT NULL, openings INTEGER NOT NULL,
    refusals INTEGER NOT NULL, grants INTEGER NOT NULL, PRIMARY KEY (day, class)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE unreadable (
    blockNumber INTEGER NOT NULL, place INTEGER NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL
  ) STRICT;
  PRAGMA user_version = ${VERSION};
`;
const TABLE_NAMES = ['blocks', 'transactions', 'members', 'entries', 'activity', 'unreadable'];

/**
 * Opens the read models of one gateway. They hold nothing that the chain does not, so a file that is damaged or of
 * another version is thrown away, and a power cut may cost the last blocks: both are read again.
 *
 * @param path - a file, or `:memory:`
 */
export function openProjectionDatabase(path: string): DatabaseSync {
  if (path !== ':memory:') {
    mkdirSync(dirname(path), { recursive: true });
    // Made here first, because SQLite gives its journal files the mode of the database.
    closeSync(openSync(path, 'a', 0o600));
  }
  const usable = openUsable(path);
  if (usable !== undefined) return usable;
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
  closeSync(openSync(path, 'a', 0o600));
  const fresh = openUsable(path);
  if (fresh === undefined)
    throw new Error(`${path} cannot be used for the read models: check the disk and the folder.`);
  return fresh;
}

/** Empties everything, the checkpoint with it. */
export function forgetBlocks(database: DatabaseSync): void {
  inTransaction(database, () => {
    for (const table of TABLE_NAMES) database.exec(`DELETE FROM ${table}`);
  });
}

/** All or nothing, on disk or not at all. */
export function inTransaction(database: DatabaseSync, write: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    write();
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** @returns undefined for a file that SQLite cannot read whole, or of another version */
function openUsable(path: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 5_000 });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    if (numberIn(database, 'PRAGMA user_version') === 0) database.exec(TABLES);
    const intact = onlyValue(database.prepare('PRAGMA quick_check(1)').get()) === 'ok';
    if (intact && numberIn(database, 'PRAGMA user_version') === VERSION) return database;
  } catch {
    // Whatever is wrong with the file, the answer is the same: read the chain again.
  }
  database?.close();
  return undefined;
}

function numberIn(database: DatabaseSync, pragma: string): number {
  return Number(onlyValue(database.prepare(pragma).get()));
}

function onlyValue(row: object | undefined): unknown {
  return row === undefined ? undefined : Object.values(row)[0];
}
