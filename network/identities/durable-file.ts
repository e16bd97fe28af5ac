import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export const PRIVATE_FILE_MODE = 0o600;
export const PUBLIC_FILE_MODE = 0o644;

/**
 * Replaces a file so that a reader, or a start after a power cut, finds the old bytes or the new ones and nothing
 * between: written beside it, fsynced, renamed over it, the folder fsynced.
 */
export function replaceFile(path: string, text: string, mode: number): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const temporaryPath = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeDurably(temporaryPath, 'wx', text, mode);
    renameSync(temporaryPath, path);
  } catch (cause) {
    rmSync(temporaryPath, { force: true });
    throw cause;
  }
  syncFolder(folder);
}

/** Appends and fsyncs: the text is on disk on return. */
export function appendDurably(path: string, text: string, mode: number): void {
  writeDurably(path, 'a', text, mode);
}

export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function writeDurably(path: string, flags: 'wx' | 'a', text: string, mode: number): void {
  const bytes = Buffer.from(text, 'utf8');
  const descriptor = openSync(path, flags, mode);
  try {
    let written = 0;
    while (written < bytes.length) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
