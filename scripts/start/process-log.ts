import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log and the one before it: of ten processes together at most 200 MiB. */
export const LOG_SIZE_MAX_BYTES = 10 * 1024 * 1024;

/** Appends the output of a process to a file; beyond its size the file becomes `<path>.1` and a new one is begun. */
export class ProcessLog {
  readonly path: string;
  readonly #sizeMaxBytes: number;
  #descriptor: number;
  #sizeBytes: number;

  constructor(path: string, sizeMaxBytes = LOG_SIZE_MAX_BYTES) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.path = path;
    this.#sizeMaxBytes = sizeMaxBytes;
    this.#descriptor = openSync(path, 'a', 0o600);
    this.#sizeBytes = fstatSync(this.#descriptor).size;
  }

  /** Synchronous: what a process said last is there when its end is told. */
  append(bytes: Uint8Array): void {
    if (this.#descriptor < 0) return;
    if (this.#sizeBytes >= this.#sizeMaxBytes) this.#rotate();
    let written = 0;
    while (written < bytes.length) written += writeSync(this.#descriptor, bytes, written);
    this.#sizeBytes += bytes.length;
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  #rotate(): void {
    closeSync(this.#descriptor);
    if (existsSync(this.path)) renameSync(this.path, `${this.path}.1`);
    this.#descriptor = openSync(this.path, 'a', 0o600);
    this.#sizeBytes = 0;
  }
}
