import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const TEMPORARY_PREFIX = '.writing-';

/**
 * Makes the names in a directory durable: after a crash a file that was created, renamed or removed in it
 * before this call is still so.
 */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file whole: after a crash there is the old content or the new, never a part. The content is durable on
 * return, its name only after syncDirectory, so that many files can share one.
 */
export async function replaceFile(file: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const temporary = join(dirname(file), `${TEMPORARY_PREFIX}${randomBytes(8).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(bytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Creates a directory, and its parents, for the owner only; their names are durable on return. */
export async function createDirectory(directory: string): Promise<void> {
  const firstCreated = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (firstCreated === undefined) return;
  for (let created = directory; created !== dirname(firstCreated); created = dirname(created)) {
    await syncDirectory(dirname(created));
  }
}

/** Whether a file name is that of a replaceFile which a crash cut short; nothing refers to it. */
export function isUnfinished(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX);
}

/**
 * Whether something thrown by the system carries a code, such as ENOENT. It does not ask for an instance of Error:
 * test runners run modules in a realm of their own, where the system's errors are not of that realm's class.
 */
export function hasErrorCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
