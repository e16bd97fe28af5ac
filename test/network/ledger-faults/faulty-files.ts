import { setTimeout as wait } from 'node:timers/promises';
import { DISK, type FileSystem, type StoredFile } from '../../../network/devledger/store/file-system.js';

/** What the next operation that changes something on the disk does. */
export type Fault =
  /** Half of a write is done, and nothing after it: the process is gone. */
  | 'crash'
  /** Half of a write is done, and the system says so. */
  | 'short-write'
  | 'full'
  /** The process has as many files open as it may. */
  | 'no-descriptors'
  /** The disk says that it could not do it. */
  | 'broken'
  | 'failing-sync'
  | 'slow';

/**
 * @param change - counts from 1
 * @param operation - `write`, `sync`, `create`, `rename`, `remove`, `truncate`, `copy` or `makeDirectory`
 */
export type FaultPlan = (change: number, operation: string, path: string) => Fault | undefined;

/** The real disk, but for the faults that a test asks for. */
export class FaultyFiles implements FileSystem {
  /** Operations so far that change something. */
  changes = 0;
  /** Of each operation on a slow disk. */
  slowMs = 30;
  #isGone = false;
  #fault: FaultPlan = () => undefined;
  #isUnreadable: (path: string, offsetBytes: number, sizeBytes: number) => boolean = () => false;

  /** @param fault - asked at each operation that changes something */
  failing(fault: FaultPlan): this {
    this.#fault = fault;
    return this;
  }

  healthy(): void {
    this.#fault = () => undefined;
    this.#isUnreadable = () => false;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  async open(path: string, how: 'read' | 'change' | 'create'): Promise<StoredFile> {
    if (how === 'create') await this.#before('create', path);
    else this.#mayOpen(path);
    this.#requireHere();
    return new FaultyFile(await DISK.open(path, how), this, path);
  }

  list(directory: string): readonly string[] {
    return DISK.list(directory);
  }

  async makeDirectory(directory: string): Promise<void> {
    await this.#before('makeDirectory', directory);
    await DISK.makeDirectory(directory);
  }

  async copy(from: string, to: string): Promise<void> {
    await this.#before('copy', to);
    if (this.#isUnreadable(from, 0, Number.POSITIVE_INFINITY)) throw systemError('EIO');
    await DISK.copy(from, to);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#before('rename', to);
    await DISK.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await this.#before('remove', path);
    await DISK.remove(path);
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#before('sync', directory);
    await DISK.syncDirectory(directory);
  }

  async write({ file, path }: OpenFile, parts: readonly Uint8Array[], offsetBytes: number): Promise<number> {
    const fault = await this.#faultOf('write', path);
    if (fault !== 'crash' && fault !== 'short-write') return file.write(parts, offsetBytes);
    const whole = Buffer.concat(parts);
    const half = whole.subarray(0, Math.floor(whole.length / 2));
    await file.write([half], offsetBytes);
    if (fault === 'crash') throw this.#go();
    return half.length;
  }

  async sync({ file, path }: OpenFile): Promise<void> {
    await this.#before('sync', path);
    await file.sync();
  }

  async truncate({ file, path }: OpenFile, sizeBytes: number): Promise<void> {
    await this.#before('truncate', path);
    await file.truncate(sizeBytes);
  }

  async #before(operation: string, path: string): Promise<void> {
    if ((await this.#faultOf(operation, path)) === 'crash') throw this.#go();
  }

  async #faultOf(operation: string, path: string): Promise<Fault | undefined> {
    this.#requireHere();
    this.changes += 1;
    const fault = this.#fault(this.changes, operation, path);
    if (fault === 'slow') await wait(this.slowMs);
    if (fault === 'full' && operation !== 'remove' && operation !== 'truncate') throw systemError('ENOSPC');
    if (fault === 'no-descriptors' && operation === 'create') throw systemError('EMFILE');
    if (fault === 'broken' || (fault === 'failing-sync' && operation === 'sync')) throw systemError('EIO');
    return fault;
  }

  /** Opening what is there changes nothing and is not counted. */
  #mayOpen(path: string): void {
    if (this.#fault(this.changes, 'open', path) === 'no-descriptors') throw systemError('EMFILE');
  }

  read({ file, path }: OpenFile, target: Uint8Array, offsetBytes: number): number {
    if (this.#isUnreadable(path, offsetBytes, target.length)) throw systemError('EIO');
    return file.read(target, offsetBytes);
  }

  /** @param isUnreadable - asked at each read */
  unreadable(isUnreadable: (path: string, offsetBytes: number, sizeBytes: number) => boolean): this {
    this.#isUnreadable = isUnreadable;
    return this;
  }

  #requireHere(): void {
    if (this.#isGone) throw new Error('the process is gone');
  }

  #go(): Error {
    this.#isGone = true;
    return new Error('the process is gone');
  }
}

interface OpenFile {
  readonly file: StoredFile;
  readonly path: string;
}

class FaultyFile implements StoredFile {
  readonly #open: OpenFile;
  readonly #faults: FaultyFiles;

  constructor(file: StoredFile, faults: FaultyFiles, path: string) {
    this.#open = { file, path };
    this.#faults = faults;
  }

  sizeBytes(): Promise<number> {
    return this.#open.file.sizeBytes();
  }

  read(target: Uint8Array, offsetBytes: number): number {
    return this.#faults.read(this.#open, target, offsetBytes);
  }

  write(parts: readonly Uint8Array[], offsetBytes: number): Promise<number> {
    return this.#faults.write(this.#open, parts, offsetBytes);
  }

  sync(): Promise<void> {
    return this.#faults.sync(this.#open);
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#faults.truncate(this.#open, sizeBytes);
  }

  close(): Promise<void> {
    return this.#open.file.close();
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
