import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasErrorCode } from '../../gateway/durable-files.js';
import { DISK } from '../../network/devledger/store/file-system.js';
import { DamagedTable } from '../../network/devledger/store/tables/damaged-table.js';
import { type Manifest, readManifest, writeManifest } from '../../network/devledger/store/tables/manifest.js';
import { isTableName, tableName } from '../../network/devledger/store/tables/table-writer.js';
import { CannotLook } from './cannot-look.js';

const TRIES = 50;
const RETRY_MS = 100;

/**
 * Copies the database of a peer, also one that a running ledger writes to: the copy is what its files were at one
 * moment. Opening the original would lock it.
 *
 * A manifest says which tables count, and tables never change once they are written: so with the tables that one
 * manifest names, that manifest is a whole database. Only a table that was merged away meanwhile makes it try again.
 *
 * @throws CannotLook when the database changes too quickly
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (attempt > 0) await wait(RETRY_MS);
    const manifest = await manifestOf(from);
    if (manifest === undefined) return copyAll(from, to);
    if (!(await copyTables(from, to, manifest))) continue;
    await removeOthers(to, manifest);
    await writeManifest(DISK, to, manifest);
    return;
  }
  throw new CannotLook(`${from} changes while it is copied; stop the network, or try again when it has less to do.`);
}

/** @returns undefined where it is damaged */
async function manifestOf(directory: string): Promise<Manifest | undefined> {
  try {
    return await readManifest(DISK, directory);
  } catch (error) {
    if (error instanceof DamagedTable) return undefined;
    throw error;
  }
}

/** As it lies there, so that whoever opens the copy says what is wrong with it. */
async function copyAll(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) await copyUnlessGone(from, to, name);
}

/** @returns false when a table was merged away since the manifest was read */
async function copyTables(from: string, to: string, { tables }: Manifest): Promise<boolean> {
  const there = new Set(await readdir(to));
  for (const name of tables.map(({ number }) => tableName(number))) {
    if (there.has(name) || (await copyUnlessGone(from, to, name))) continue;
    // One that the newest manifest names and that is not there is damage, not haste.
    const now = await manifestOf(from);
    if (now?.tables.some(({ number }) => tableName(number) === name) !== true) return false;
  }
  return true;
}

async function copyUnlessGone(from: string, to: string, name: string): Promise<boolean> {
  try {
    await copyFile(join(from, name), join(to, name), constants.COPYFILE_FICLONE);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function removeOthers(directory: string, { tables }: Manifest): Promise<void> {
  const named = new Set(tables.map(({ number }) => tableName(number)));
  for (const name of await readdir(directory)) {
    if (isTableName(name) && !named.has(name)) await rm(join(directory, name));
  }
}
