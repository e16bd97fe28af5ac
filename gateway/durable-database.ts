import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MedledgerError } from './medledger-error.js';

const IN_MEMORY = ':memory:';
/** Another process may hold the file for the moment, e.g. a backup. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens a SQLite file of this gateway, readable by its owner alone. What a statement wrote is on disk when it returns.
 *
 * @param path - made where there is none; `:memory:` for a test
 * @param schema - statements that may be run again
 * @throws MedledgerError STORE_CORRUPT: a gateway never runs on without a store
 */
export function openDurableDatabase(path: string, schema: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (path !== IN_MEMORY) {
      mkdirSync(dirname(path), { recursive: true });
      // Made here first, because SQLite gives its journal files the mode of the database.
      closeSync(openSync(path, 'a', 0o600));
    }
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    database.exec(schema);
    return database;
  } catch (cause) {
    database?.close();
    throw new MedledgerError('STORE_CORRUPT', `${path} cannot be opened; restore it from a backup.`, { cause });
  }
}
