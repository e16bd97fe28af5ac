import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasErrorCode } from '../../gateway/durable-files.js';
import { CannotLook } from './cannot-look.js';

const TRIES = 10;
const RETRY_MS = 300;

/**
 * Copies a LevelDB folder, also one that a running ledger writes to: the copy is what the database was at one moment.
 * Opening the original would lock it, and would write into it.
 *
 * Tables never change once they are written, and logs only grow; which of them count, CURRENT and the manifest say. A
 * copy is therefore whole when those two and the list of files are the same before and after.
 *
 * @throws CannotLook when the database changes too quickly
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (attempt > 0) await wait(RETRY_MS);
    await rm(to, { recursive: true, force: true });
    await mkdir(to, { recursive: true });
    if (await copyOnce(from, to)) return;
  }
  throw new CannotLook(`${from} changes while it is copied; stop the network, or try again when it has less to do.`);
}

async function copyOnce(from: string, to: string): Promise<boolean> {
  const before = await description(from);
  const names = (await readdir(from)).filter(isPart);
  try {
    for (const name of names) await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
  } catch (error) {
    // Compaction removes tables that the manifest no longer names.
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
  return before === (await description(from));
}

/** The lock and LevelDB's own diary are no part of what it holds. */
function isPart(name: string): boolean {
  return name === 'CURRENT' || name.startsWith('MANIFEST-') || /^\d+\.(?:ldb|sst|log)$/.test(name);
}

async function description(directory: string): Promise<string> {
  const names = (await readdir(directory)).filter(isPart).sort();
  const manifests = names.filter((name) => name.startsWith('MANIFEST-'));
  const sizes = await Promise.all(manifests.map((name) => sizeOf(join(directory, name))));
  const current = names.includes('CURRENT') ? (await readFile(join(directory, 'CURRENT'))).toString('latin1') : '';
  return JSON.stringify({ names, sizes, current });
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return -1;
    throw error;
  }
}
