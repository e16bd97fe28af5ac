import { join } from 'node:path';
import { errorCodeOf, type FileSystem } from './file-system.js';
import { StoreError } from './ledger-errors.js';

const PREFIX = 'damaged-';
/** A disk that damages more than this is to be looked at by somebody; what it did so far stays to be seen. */
const FOLDERS_MAX = 8;

/**
 * Moves files or folders of a store into a new folder beside them, as evidence of what happened to them.
 *
 * @param names - in the directory; those that are not there are left out
 * @returns the new folder
 * @throws StoreError when there is too much evidence already
 */
export async function keepAside(files: FileSystem, directory: string, names: readonly string[]): Promise<string> {
  const earlier = files.list(directory).filter((name) => name.startsWith(PREFIX));
  if (earlier.length >= FOLDERS_MAX) {
    throw new StoreError(
      `${directory} was damaged ${earlier.length} times and is not healed again: check the disk, move the folders ` +
        `${PREFIX}* away and restart.`,
    );
  }
  const aside = join(directory, newName(earlier));
  await files.makeDirectory(aside);
  for (const name of names) await moveIfThere(files, join(directory, name), join(aside, name));
  await files.syncDirectory(aside);
  await files.syncDirectory(directory);
  return aside;
}

/** Told by the second; a number tells apart what happened within one. */
function newName(earlier: readonly string[]): string {
  const name = `${PREFIX}${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
  const sameSecond = earlier.filter((other) => other.startsWith(name)).length;
  return sameSecond === 0 ? name : `${name}-${sameSecond + 1}`;
}

async function moveIfThere(files: FileSystem, from: string, to: string): Promise<void> {
  try {
    await files.rename(from, to);
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw error;
  }
}
