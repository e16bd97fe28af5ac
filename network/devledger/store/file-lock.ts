import { DatabaseSync } from 'node:sqlite';

export interface FileLock {
  release(): void;
}

const SQLITE_BUSY = 5;

/**
 * Keeps what a file stands for to one holder, in this process or another. The lock is the kernel's, taken through
 * SQLite, because Node opens no files with locks: it is gone when its holder is, however that ended, so nothing stale
 * is left to be judged by a process id that may belong to somebody else by now.
 *
 * @param path - made when it is not there; holds nothing
 * @returns undefined when somebody else has it
 */
export function lockFile(path: string): FileLock | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
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
