import { constants, fsyncSync, readdirSync, readSync } from 'node:fs';
import { copyFile, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** One open file of a store. Writing has one caller at a time; reading is safe from many places. */
export interface StoredFile {
  sizeBytes(): Promise<number>;
  /**
   * Synchronous: what the operating system holds in memory is read faster than handed to a thread.
   *
   * @returns number of bytes read; fewer than the target takes at the end of the file only
   */
  read(target: Uint8Array, offsetBytes: number): number;
  /**
   * Writes the parts one behind the other; durable only after `sync`.
   *
   * @returns number of bytes written; fewer than given when the disk is full
   */
  write(parts: readonly Uint8Array[], offsetBytes: number): Promise<number>;
  /** After a failure nothing is known of what was written before, and asking again does not tell. */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

/** All that the stores of the ledger do to a disk, so that a test can put a failing disk in its place. */
export interface FileSystem {
  /** @param how - `create` empties what is there; the other two refuse what is not there */
  open(path: string, how: 'read' | 'change' | 'create'): Promise<StoredFile>;
  /** Names in a folder, in no order. */
  list(directory: string): readonly string[];
  /** Not an error when it is there; one when the folder above it is not. Durable after `syncDirectory` of that one. */
  makeDirectory(directory: string): Promise<void>;
  /** Not durable: for what is kept as evidence. */
  copy(from: string, to: string): Promise<void>;
  /** Replaces what has the new name. Durable after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** A file, or a folder with what is in it; not an error when it is not there. */
  remove(path: string): Promise<void>;
  /** A new name in a folder survives a power cut only once the folder itself was synced. */
  syncDirectory(directory: string): Promise<void>;
}

const OPEN_FLAGS = { read: 'r', change: 'r+', create: 'w+' } as const;

/** The disk of this machine. */
export const DISK: FileSystem = {
  open: async (path, how) => new DiskFile(await open(path, OPEN_FLAGS[how])),
  list: (directory) => readdirSync(directory),
  makeDirectory: async (directory) => {
    try {
      await mkdir(directory);
    } catch (error) {
      if (errorCodeOf(error) !== 'EEXIST') throw error;
    }
  },
  copy: (from, to) => copyFile(from, to, constants.COPYFILE_FICLONE),
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  syncDirectory: async (directory) => {
    const handle = await open(directory, 'r');
    try {
      fsyncSync(handle.fd);
    } finally {
      await handle.close();
    }
  },
};

class DiskFile implements StoredFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  read(target: Uint8Array, offsetBytes: number): number {
    let total = 0;
    while (total < target.length) {
      const count = readSync(this.#handle.fd, target, total, target.length - total, offsetBytes + total);
      if (count === 0) break;
      total += count;
    }
    return total;
  }

  async write(parts: readonly Uint8Array[], offsetBytes: number): Promise<number> {
    const { bytesWritten } = await this.#handle.writev(parts, offsetBytes);
    return bytesWritten;
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#handle.truncate(sizeBytes);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/**
 * Makes a folder and those above it. Durable on return, also where somebody made it before and went down: a folder gets
 * its first entry only after its own name was synced, so all that can be unsynced is the name of the lowest.
 */
export async function makeDurableDirectory(files: FileSystem, directory: string): Promise<void> {
  const parent = dirname(directory);
  try {
    await files.makeDirectory(directory);
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT' || parent === directory) throw error;
    await makeDurableDirectory(files, parent);
    await files.makeDirectory(directory);
  }
  await files.syncDirectory(parent);
}

/**
 * Replaces a small file as a whole: after a crash it is the old one or the new one.
 *
 * @param directory - folder of the file, synced when this resolves
 */
export async function replaceFile(
  files: FileSystem,
  directory: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = `${directory}/${name}.new`;
  const file = await files.open(temporary, 'create');
  try {
    const written = await file.write([bytes], 0);
    if (written !== bytes.length) throw shortWrite(temporary, written, bytes.length);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, `${directory}/${name}`);
  await files.syncDirectory(directory);
}

/** @returns undefined when there is no such file */
export async function readWholeFile(files: FileSystem, path: string): Promise<Buffer | undefined> {
  let file: StoredFile;
  try {
    file = await files.open(path, 'read');
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const bytes = Buffer.alloc(await file.sizeBytes());
    return bytes.subarray(0, file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

/** Sectors of today's disks; what cannot be read is lost by as much. */
const SECTOR_BYTES = 4096;

/**
 * Reads what can be read. A sector that the disk cannot give any more comes as zeros: what it held is then missed by its
 * digest, and healed like any other damage.
 *
 * @returns as `StoredFile.read`
 */
export function readPossible(file: StoredFile, target: Uint8Array, offsetBytes: number): number {
  try {
    return file.read(target, offsetBytes);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  let total = 0;
  while (total < target.length) {
    const end = Math.min(target.length, total + SECTOR_BYTES - ((offsetBytes + total) % SECTOR_BYTES));
    const count = readSector(file, target.subarray(total, end), offsetBytes + total);
    if (count === 0) break;
    total += count;
  }
  return total;
}

function readSector(file: StoredFile, target: Uint8Array, offsetBytes: number): number {
  try {
    return file.read(target, offsetBytes);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    target.fill(0);
    return target.length;
  }
}

/** The disk has the bytes and cannot give them. */
export function isUnreadable(error: unknown): boolean {
  return errorCodeOf(error) === 'EIO';
}

/** What a full disk makes of a write that the operating system has taken in part. */
export function shortWrite(path: string, written: number, expected: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`${path}: ${written} of ${expected} bytes were written`), { code: 'ENOSPC' });
}

/** As the operating system names it; undefined for other errors. */
export function errorCodeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** What the operator does about something of which there is not enough. */
const SHORTAGES: ReadonlyMap<unknown, string> = new Map([
  ['ENOSPC', 'make room on the disk'],
  ['EDQUOT', 'make room within the quota of the disk'],
  ['EMFILE', 'let the process open more files (ulimit -n)'],
  ['ENFILE', 'let the system open more files'],
]);

/** Undefined where more of something would not help. */
export function shortageOf(error: unknown): string | undefined {
  return SHORTAGES.get(errorCodeOf(error));
}

/** Or nothing can be opened: what was not done may be tried again once there is room. */
export function isDiskFull(error: unknown): boolean {
  return shortageOf(error) !== undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
