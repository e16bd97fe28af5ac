import { type BigIntStats, constants } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasErrorCode } from '../../gateway/durable-files.js';
import { syncFolder } from '../../network/identities/durable-file.js';
import { StartError } from '../start/start-error.js';

/** How a file was when it was copied: one with the same is taken for unchanged. */
export interface FileState {
  readonly sizeBytes: number;
  readonly modifiedAtNs: bigint;
  /** Permission bits. */
  readonly mode: number;
}

export type FileStates = ReadonlyMap<string, FileState>;

/** Who runs now and what was said: nothing that a network is made of. */
const LEFT_OUT = new Set(['logs', 'start.lock', 'start.lock-journal', 'processes.json', 'processes.json.tmp']);

/**
 * Makes a copy of a data folder the same as the folder, whatever it held before. Called again it copies what has
 * changed since.
 *
 * @param known - as an earlier call returned it
 * @returns files by their paths within the folder
 */
export async function copyChanged(
  from: string,
  to: string,
  known: FileStates = new Map(),
  signal?: AbortSignal,
): Promise<FileStates> {
  const found = await filesOf(from);
  const copied = new Map<string, FileState>();
  for (const [path, state] of found) {
    signal?.throwIfAborted();
    if (isSame(known.get(path), state) || (await copyOne(join(from, path), join(to, path), state.mode)))
      copied.set(path, state);
  }
  for (const path of known.keys()) if (!copied.has(path)) await rm(join(to, path), { force: true });
  return copied;
}

/** All files below a folder, in order. @throws StartError where there is a link or a device */
export async function filesOf(folder: string): Promise<FileStates> {
  const found: [string, FileState][] = [];
  for await (const file of walk(folder, '')) found.push(file);
  return new Map(found.sort(([left], [right]) => (left < right ? -1 : 1)));
}

async function* walk(folder: string, path: string): AsyncGenerator<[string, FileState]> {
  const entries = await entriesOf(join(folder, path));
  for (const entry of entries.filter((name) => path !== '' || !LEFT_OUT.has(name))) {
    const name = join(path, entry);
    const stat = await statIfThere(join(folder, name));
    if (stat?.isDirectory() === true) yield* walk(folder, name);
    else if (stat !== undefined) yield [name, stateOf(join(folder, name), stat)];
  }
}

function stateOf(path: string, stat: BigIntStats): FileState {
  if (!stat.isFile()) throw new StartError(`${path} is no file and no folder; take it out of the data folder first.`);
  return { sizeBytes: Number(stat.size), modifiedAtNs: stat.mtimeNs, mode: Number(stat.mode) & 0o777 };
}

/** Not yet durable on return. @returns false when it was gone already */
export async function copyOne(from: string, to: string, mode: number): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    await chmod(to, mode);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Files that were copied are on the disk when it returns, and so are the folders they lie in, that one included. */
export async function syncCopied(folder: string, paths: Iterable<string>): Promise<void> {
  const folders = new Set([folder, dirname(folder)]);
  for (const path of paths) {
    for (let above = dirname(join(folder, path)); above !== folder; above = dirname(above)) folders.add(above);
    const file = await open(join(folder, path), 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  for (const each of folders) syncFolder(each);
}

function isSame(known: FileState | undefined, found: FileState): boolean {
  return known?.sizeBytes === found.sizeBytes && known.modifiedAtNs === found.modifiedAtNs;
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function statIfThere(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
