import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface FolderLock {
  release(): void;
}

const SQLITE_BUSY = 5;

/**
 * Keeps a folder for this process. The lock is the kernel's, taken through SQLite, because Node opens no files with
 * locks: it is gone when its holder is, however that ended, so nothing stale is left to be judged by a process id
 * that may belong to somebody else by now.
 *
 * @returns undefined when another process has it
 */
export function lockFolder(folder: string): FolderLock | undefined {
  const database = new DatabaseSync(join(folder, 'start.lock'), { timeout: 0 });
  try {
    // Without a journal on disk nothing but the lock itself stays behind.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}

/** Node puts SQLite's extended result code into `errcode`; the low byte is the plain one. */
function isBusy(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    (error.errcode & 0xff) === SQLITE_BUSY
  );
}
