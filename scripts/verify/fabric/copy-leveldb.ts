import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasErrorCode } from '../../../gateway/durable-files.js';
import { CannotLook } from '../cannot-look.js';

const TRIES = 50;
const RETRY_MS = 100;

/**
 * Copies a LevelDB folder, also one that a running peer writes to: the copy is what the database was at one moment.
 * Opening the original would lock it, and would write into it.
 *
 * Which tables and logs count, CURRENT and the manifest say; a copy is whole when these two and the list of files are
 * the same before and after. Tables never change once they are written, so they are copied first and once, and only a
 * little has to be copied in one moment.
 *
 * @throws CannotLook when the database changes too quickly
 */
export async function copyLevelDb(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await copyTables(from, to);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (attempt > 0) await wait(RETRY_MS);
    if (await copyMoment(from, to)) return;
  }
  throw new CannotLook(`${from} changes while it is copied; stop the network, or try again when it has less to do.`);
}

/** @returns false when the database changed meanwhile */
async function copyMoment(from: string, to: string): Promise<boolean> {
  await removeAllButTables(to);
  const before = await description(from);
  const isWhole = (await copyTables(from, to)) && (await copyRest(from, to));
  return isWhole && before === (await description(from));
}

/** Those that are not there yet, and those that were still being written when they were copied. */
function copyTables(from: string, to: string): Promise<boolean> {
  return unlessVanished(async () => {
    for (const name of (await readdir(from)).filter(isTable)) {
      if ((await sizeOf(join(from, name))) !== (await sizeOf(join(to, name)))) await copy(from, to, name);
    }
  });
}

function copyRest(from: string, to: string): Promise<boolean> {
  return unlessVanished(async () => {
    for (const name of (await readdir(from)).filter(isPart)) if (!isTable(name)) await copy(from, to, name);
  });
}

function copy(from: string, to: string, name: string): Promise<void> {
  return copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
}

/** @returns false when a file was gone: compaction removes tables and logs that the manifest no longer names */
async function unlessVanished(action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function removeAllButTables(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (!isTable(name)) await rm(join(directory, name));
}

function isTable(name: string): boolean {
  return /^\d+\.(?:ldb|sst)$/.test(name);
}

/** The lock and LevelDB's own diary are no part of what it holds. */
function isPart(name: string): boolean {
  return name === 'CURRENT' || name.startsWith('MANIFEST-') || isTable(name) || /^\d+\.log$/.test(name);
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
