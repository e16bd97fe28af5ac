import { basename, dirname, join } from 'node:path';
import { notConfirmed, notWritten } from './append-failures.js';
import { DISK, type FileSystem, makeDurableDirectory } from './file-system.js';
import { encodeFrameHeader } from './frame.js';
import { copyIfReadable, writeAnew } from './frame-repair.js';
import { FrameFile, frameFilePath, openFrameFiles } from './frame-file.js';
import { keepAside } from './keep-aside.js';
import { BlockCorruptError, StoreError } from './ledger-errors.js';

/** Gives the payload of a frame that is lost here, as far as somebody else has it and it fits what is left here. */
export type Donate = (sequence: number, own: FrameFiles) => Promise<Uint8Array | undefined>;

export interface FrameFilesOptions {
  readonly directory: string;
  /** Whose files they are, as errors name it: an MSP id or `orderer`. */
  readonly owner: string;
  /** A file that has reached this size is left alone and the next one begun. */
  readonly fileSizeMaxBytes: number;
  /** Frames below this sequence number are known to have been acknowledged: they are never taken for torn writes. */
  readonly acknowledgedSequence: number;
  /** Whether a complete frame at the end that was not acknowledged and has a wrong digest is a torn write. */
  readonly cutUnsoundTail: boolean;
  /** Asked at the opening for acknowledged frames that are missing at the end. */
  readonly donate?: Donate;
  /** Default: the disk. */
  readonly files?: FileSystem;
}

type Inspected = Pick<FrameFilesOptions, 'directory' | 'owner' | 'files'>;

export interface FramePlace {
  readonly file: string;
  readonly offsetBytes: number;
  readonly sequence: number;
}

/**
 * Append-only files of numbered frames. Appending is durable on return and has one caller at a time; reading is safe
 * from many places. Opening looks through the newest file only; memory holds one number per frame of files in use.
 */
export class FrameFiles {
  readonly #options: FrameFilesOptions;
  readonly #disk: FileSystem;
  readonly #files: FrameFile[];
  /** Appending and repairing take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #isOpen = true;
  /** After a write that the disk did not confirm nothing is known of what it holds. */
  #failure: StoreError | undefined;

  private constructor(options: FrameFilesOptions, files: FrameFile[]) {
    this.#options = options;
    this.#disk = options.files ?? DISK;
    this.#files = files;
    for (const [index, file] of files.entries()) {
      const next = files[index + 1];
      if (next !== undefined) file.seal(next.firstSequence);
    }
  }

  /**
   * Opens the files, and cuts what an interrupted write left at the end.
   *
   * @throws BlockCorruptError when an acknowledged frame is no longer at the end of the last file and nobody gives it
   */
  static async open(options: FrameFilesOptions): Promise<FrameFiles> {
    const { files = DISK, directory } = options;
    await makeDurableDirectory(files, directory);
    const opened = new FrameFiles(options, await openFrameFiles(files, directory, 'change'));
    try {
      await opened.#cutTail();
      await opened.#restoreTail();
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** Reads only: nothing is cut, nothing can be appended. To be closed like any other. */
  static async inspect(options: Inspected): Promise<FrameFiles> {
    const settings = { fileSizeMaxBytes: 0, acknowledgedSequence: 0, cutUnsoundTail: false };
    return new FrameFiles(
      { ...options, ...settings },
      await openFrameFiles(options.files ?? DISK, options.directory, 'read'),
    );
  }

  /** Looks at files that may be in use elsewhere, and lets go of them. */
  static async look<Result>(options: Inspected, action: (files: FrameFiles) => Promise<Result>): Promise<Result> {
    const inspected = await FrameFiles.inspect(options);
    try {
      return await action(inspected);
    } finally {
      await inspected.close();
    }
  }

  /** Sequence number of the oldest frame still here. */
  get firstSequence(): number {
    return this.#files[0]?.firstSequence ?? 0;
  }

  get nextSequence(): number {
    return this.#files.at(-1)?.nextSequence ?? 0;
  }

  /**
   * Durable on return.
   *
   * @param onWritten - called when the disk has taken the bytes and was asked to make them durable
   * @throws StoreError when nothing was appended: with `diskFull` the same append may be tried again, else never
   */
  append(payload: Uint8Array, onWritten: () => void = () => undefined): Promise<void> {
    return this.#inTurn(() => this.#append(payload, onWritten));
  }

  /**
   * @returns undefined when no frame with this number was ever written
   * @throws BlockCorruptError
   */
  async read(sequence: number): Promise<Uint8Array | undefined> {
    const file = this.#fileOf(sequence);
    if (file === undefined || sequence >= file.nextSequence) return undefined;
    const payload = file.read(sequence);
    if (payload === undefined) throw this.#corrupt(sequence, 'the bytes do not match their digest');
    return payload;
  }

  place(sequence: number): FramePlace | undefined {
    const file = this.#fileOf(sequence);
    const offsetBytes = file?.offsetOf(sequence);
    return file === undefined || offsetBytes === undefined ? undefined : { file: file.path, offsetBytes, sequence };
  }

  /**
   * Writes the file of a damaged frame anew, with what others give for each frame in it that cannot be read. The
   * damaged file is kept beside the folder.
   *
   * @returns where it is kept; undefined when somebody else has repaired it meanwhile
   * @throws BlockCorruptError when nobody gives a frame; the file is left as it is
   */
  repair(sequence: number, donate: Donate): Promise<string | undefined> {
    return this.#inTurn(async () => {
      const file = this.#fileOf(sequence);
      if (file?.read(sequence) !== undefined) return undefined;
      if (file === undefined) throw this.#corrupt(sequence, 'there is no file for it');
      const fresh = `${file.path}.new`;
      const lost = await writeAnew(this.#disk, file, { path: fresh, donate: (lost) => donate(lost, this) });
      if (lost !== undefined) throw this.#corrupt(lost, 'nobody has a copy whose hashes fit');
      const aside = await this.#copyAside(file);
      await this.#disk.rename(fresh, file.path);
      await this.#disk.syncDirectory(this.#options.directory);
      await file.reopen(this.#disk);
      return aside;
    });
  }

  /** Deletes the files whose frames all lie below a sequence number; the file being written stays. */
  async dropBefore(sequence: number): Promise<void> {
    for (;;) {
      const next = this.#files[1];
      const oldest = this.#files[0];
      if (oldest === undefined || next === undefined || next.firstSequence > sequence) return;
      await this.#disk.remove(oldest.path);
      // One after the other: what is missing is to be missing at the beginning, also after a power cut.
      await this.#disk.syncDirectory(this.#options.directory);
      this.#files.shift();
      await oldest.close();
    }
  }

  /** Begins a new file even though the current one is not full, so that it can be dropped later. */
  rotate(): Promise<void> {
    return this.#inTurn(() => this.#begin(this.nextSequence));
  }

  activeBytes(): number {
    return this.#files.at(-1)?.endBytes ?? 0;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#turn;
    for (const file of this.#files) await file.close();
  }

  async #append(payload: Uint8Array, onWritten: () => void): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#isOpen) throw new StoreError(`${this.#options.directory} is closed; open the ledger again.`);
    try {
      const file = await this.#writable();
      const header = encodeFrameHeader(file.nextSequence, payload);
      const frameBytes = header.length + payload.length;
      await file.write([header, payload], frameBytes);
      const synced = this.#sync(file);
      onWritten();
      await synced;
      file.appended(frameBytes);
    } catch (cause) {
      throw this.#failure ?? notWritten(this.#options.directory, cause);
    }
  }

  async #sync(file: FrameFile): Promise<void> {
    try {
      await file.sync();
    } catch (cause) {
      // The kernel may have dropped what it could not write, and says so only once: asking again proves nothing.
      this.#failure = notConfirmed(file.path, cause);
      throw this.#failure;
    }
  }

  async #cutTail(): Promise<void> {
    const last = this.#files.at(-1);
    if (last === undefined) return;
    if (this.#options.cutUnsoundTail) last.dropUnsound(this.#options.acknowledgedSequence);
    if (!last.hasTail) return;
    if (last.nextSequence < this.#options.acknowledgedSequence) {
      if (this.#options.donate === undefined) throw this.#endsTooEarly();
      await this.#copyAside(last);
    }
    await last.cutTail();
  }

  /** Acknowledged frames that are gone from the end. */
  async #restoreTail(): Promise<void> {
    while (this.nextSequence < this.#options.acknowledgedSequence) {
      const payload = await this.#options.donate?.(this.nextSequence, this);
      if (payload === undefined) throw this.#endsTooEarly();
      await this.append(payload);
    }
  }

  #endsTooEarly(): BlockCorruptError {
    return this.#corrupt(
      this.nextSequence,
      `the file ends here although ${this.#options.acknowledgedSequence} blocks had been acknowledged`,
    );
  }

  async #writable(): Promise<FrameFile> {
    const current = this.#files.at(-1);
    if (current === undefined || current.endBytes >= this.#options.fileSizeMaxBytes) {
      await this.#begin(this.nextSequence);
    }
    const file = this.#files.at(-1);
    if (file === undefined) throw new StoreError(`There is no file to write to in ${this.#options.directory}.`);
    return file;
  }

  async #begin(firstSequence: number): Promise<void> {
    const path = frameFilePath(this.#options.directory, firstSequence);
    const last = this.#files.at(-1);
    if (last?.path === path) return;
    const file = await FrameFile.open(this.#disk, path, 'create');
    await this.#disk.syncDirectory(this.#options.directory);
    last?.seal(firstSequence);
    this.#files.push(file);
  }

  async #copyAside(file: FrameFile): Promise<string> {
    const { directory } = this.#options;
    const aside = await keepAside(this.#disk, dirname(directory), []);
    await copyIfReadable(this.#disk, file.path, join(aside, `${basename(directory)}-${basename(file.path)}`));
    return aside;
  }

  #fileOf(sequence: number): FrameFile | undefined {
    return this.#files.findLast((file) => file.firstSequence <= sequence);
  }

  #corrupt(sequence: number, detail: string): BlockCorruptError {
    const file = this.#fileOf(sequence);
    const place = {
      file: file?.path ?? this.#options.directory,
      offsetBytes: file?.offsetOf(sequence) ?? file?.endBytes ?? 0,
    };
    return new BlockCorruptError({ peer: this.#options.owner, ...place, blockNumber: sequence }, detail);
  }

  #inTurn<Result>(action: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(action);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
