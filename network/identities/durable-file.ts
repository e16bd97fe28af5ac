import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export const PRIVATE_FILE_MODE = 0o600;
export const PUBLIC_FILE_MODE = 0o644;

/** All that is done to a disk here, so that a test can put one in its place whose power is cut. */
export interface SmallFileDisk {
  /** Of one level; not an error when it is there. */
  makeFolder(folder: string): void;
  /** @returns a descriptor */
  open(path: string, flags: 'r' | 'wx' | 'a', mode?: number): number;
  /** @returns number of bytes written */
  write(descriptor: number, bytes: Uint8Array, fromByte: number): number;
  sync(descriptor: number): void;
  close(descriptor: number): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
}

const DISK: SmallFileDisk = {
  makeFolder: (folder) => {
    try {
      mkdirSync(folder);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  },
  open: openSync,
  write: (descriptor, bytes, fromByte) => writeSync(descriptor, bytes, fromByte),
  sync: fsyncSync,
  close: closeSync,
  rename: renameSync,
  remove: (path) => rmSync(path, { force: true }),
};

/**
 * Replaces a file so that a reader, or a start after a power cut, finds the old bytes or the new ones and nothing
 * between: written beside it, fsynced, renamed over it, the folder fsynced. Folders that are missing are made as
 * durably.
 */
export function replaceFile(path: string, text: string, mode: number, disk: SmallFileDisk = DISK): void {
  const folder = dirname(path);
  makeFolders(folder, disk);
  const temporaryPath = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeDurably({ path: temporaryPath, flags: 'wx', mode }, text, disk);
    disk.rename(temporaryPath, path);
  } catch (cause) {
    disk.remove(temporaryPath);
    throw cause;
  }
  syncFolder(folder, disk);
}

/** Appends and fsyncs: the text is on disk on return. */
export function appendDurably(path: string, text: string, mode: number): void {
  writeDurably({ path, flags: 'a', mode }, text, DISK);
}

export function syncFolder(folder: string, disk: SmallFileDisk = DISK): void {
  const descriptor = disk.open(folder, 'r');
  try {
    disk.sync(descriptor);
  } finally {
    disk.close(descriptor);
  }
}

/** The name of each folder that is made is synced; whoever makes a file in it syncs the folder itself. */
function makeFolders(folder: string, disk: SmallFileDisk): void {
  const parent = dirname(folder);
  try {
    disk.makeFolder(folder);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || parent === folder) throw error;
    makeFolders(parent, disk);
    disk.makeFolder(folder);
  }
  syncFolderIfReadable(parent, disk);
}

/** Above a folder of ours there may be one that we may pass and not read; it was there before. */
function syncFolderIfReadable(folder: string, disk: SmallFileDisk): void {
  try {
    syncFolder(folder, disk);
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
  }
}

function writeDurably(
  file: { readonly path: string; readonly flags: 'wx' | 'a'; readonly mode: number },
  text: string,
  disk: SmallFileDisk,
): void {
  const bytes = Buffer.from(text, 'utf8');
  const descriptor = disk.open(file.path, file.flags, file.mode);
  try {
    let written = 0;
    while (written < bytes.length) written += disk.write(descriptor, bytes, written);
    disk.sync(descriptor);
  } finally {
    disk.close(descriptor);
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
