import { join } from 'node:path';
import { type FileLock, lockFile } from '../../network/devledger/store/file-lock.js';

/**
 * Keeps a folder for this process, until it releases the lock or ends.
 *
 * @returns undefined when another process has it
 */
export function lockFolder(folder: string): FileLock | undefined {
  return lockFile(join(folder, 'start.lock'));
}
