import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { GatewayError } from './identity-errors.js';

/**
 * Opens a SQLite file of this gateway, readable by its owner alone. What a statement wrote is on disk when it returns.
 *
 * @throws GatewayError STORE_CORRUPT
 */
export function openIdentityDatabase(path: string, schema: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  let database: DatabaseSync | undefined;
  try {
    // Made here first, because SQLite gives its journal files the mode of the database.
    closeSync(openSync(path, 'a', 0o600));
    database = new DatabaseSync(path, { timeout: 5_000 });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    database.exec(schema);
    return database;
  } catch (cause) {
    database?.close();
    throw new GatewayError('STORE_CORRUPT', `${path} cannot be opened; restore it from a backup.`, { cause });
  }
}
