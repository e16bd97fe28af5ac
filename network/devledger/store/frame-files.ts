import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeFrameHeader, openFrame } from './frame.js';
import { scanFrames } from './frame-scan.js';
import { BlockCorruptError, StoreError } from './ledger-errors.js';

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
}

interface FrameFile {
  readonly path: string;
  readonly firstSequence: number;
  readonly offsets: number[];
  readonly damaged: Set<number>;
  endBytes: number;
}

export interface FramePlace {
  readonly file: string;
  readonly offsetBytes: number;
  readonly sequence: number;
}

const FILE_SUFFIX = '.frames';
const NAME_DIGITS = 12;

/**
 * Append-only files of numbered frames. Appending is durable on return and has one caller at a time; reading is safe
 * from many places. Memory holds one number per frame.
 */
export class FrameFiles {
  readonly #options: FrameFilesOptions;
  readonly #files: FrameFile[];
  #active: FileHandle | undefined;

  private constructor(options: FrameFilesOptions, files: FrameFile[]) {
    this.#options = options;
    this.#files = files;
  }

  /**
   * Opens and walks the files, and cuts what an interrupted write left at the end.
   *
   * @throws BlockCorruptError when an acknowledged frame is no longer at the end of the last file
   */
  static async open(options: FrameFilesOptions): Promise<FrameFiles> {
    await mkdir(options.directory, { recursive: true });
    await syncDirectory(dirname(options.directory));
    const files = listFrameFiles(options.directory);
    const opened = new FrameFiles(options, files);
    opened.#scanAll();
    opened.#checkAcknowledged();
    opened.#cutTail();
    await opened.#openActive();
    return opened;
  }

  /** Reads only: nothing is cut, nothing can be appended. For the verifier. */
  static inspect(options: Pick<FrameFilesOptions, 'directory' | 'owner'>): FrameFiles {
    const files = listFrameFiles(options.directory);
    const settings = { fileSizeMaxBytes: 0, acknowledgedSequence: 0, cutUnsoundTail: false };
    const opened = new FrameFiles({ ...options, ...settings }, files);
    opened.#scanAll();
    return opened;
  }

  /** Sequence number of the oldest frame still here. */
  get firstSequence(): number {
    return this.#files[0]?.firstSequence ?? 0;
  }

  get nextSequence(): number {
    const last = this.#files.at(-1);
    return last === undefined ? 0 : last.firstSequence + last.offsets.length;
  }

  /** Durable on return. After a failure nothing counts as appended and the same append may be tried again. */
  async append(payload: Uint8Array): Promise<void> {
    const { file, handle } = await this.#writable();
    const header = encodeFrameHeader(file.firstSequence + file.offsets.length, payload);
    const frameBytes = header.length + payload.length;
    const { bytesWritten } = await handle.writev([header, payload], file.endBytes);
    if (bytesWritten !== frameBytes) {
      throw new StoreError(`${file.path}: ${bytesWritten} of ${frameBytes} bytes were written; make room on the disk.`);
    }
    await handle.datasync();
    file.offsets.push(file.endBytes);
    file.endBytes += frameBytes;
  }

  /**
   * @returns undefined when no frame with this number was ever written
   * @throws BlockCorruptError
   */
  async read(sequence: number): Promise<Uint8Array | undefined> {
    const place = this.place(sequence);
    if (place === undefined) return undefined;
    const file = this.#fileOf(sequence);
    if (file === undefined || file.damaged.has(sequence)) throw this.#corrupt(place, 'the frame header is unreadable');
    const frame = Buffer.alloc((file.offsets[sequence - file.firstSequence + 1] ?? file.endBytes) - place.offsetBytes);
    await readFully(file.path, frame, place.offsetBytes);
    const payload = openFrame(frame, sequence);
    if (payload === undefined) throw this.#corrupt(place, 'the bytes do not match their digest');
    return payload;
  }

  place(sequence: number): FramePlace | undefined {
    const file = this.#fileOf(sequence);
    const offsetBytes = file?.offsets[sequence - file.firstSequence];
    return file === undefined || offsetBytes === undefined ? undefined : { file: file.path, offsetBytes, sequence };
  }

  /** Deletes the files whose frames all lie below a sequence number; the file being written stays. */
  async dropBefore(sequence: number): Promise<void> {
    for (;;) {
      const next = this.#files[1];
      const oldest = this.#files[0];
      if (oldest === undefined || next === undefined || next.firstSequence > sequence) return;
      await rm(oldest.path);
      this.#files.shift();
    }
  }

  /** Begins a new file even though the current one is not full, so that it can be dropped later. */
  async rotate(): Promise<void> {
    await this.#begin(this.nextSequence);
  }

  activeBytes(): number {
    return this.#files.at(-1)?.endBytes ?? 0;
  }

  async close(): Promise<void> {
    await this.#active?.close();
    this.#active = undefined;
  }

  #scanAll(): void {
    for (const [index, file] of this.#files.entries()) {
      const fd = openSync(file.path, 'r');
      try {
        const scan = scanFrames(fd, fstatSync(fd).size, file.firstSequence);
        for (const offset of scan.offsets) file.offsets.push(offset);
        for (const sequence of scan.damaged) file.damaged.add(sequence);
        file.endBytes = scan.endBytes;
      } finally {
        closeSync(fd);
      }
      const next = this.#files[index + 1]?.firstSequence;
      // Frames missing before the next file begins were written once: they are damaged, not absent.
      for (let lost = file.firstSequence + file.offsets.length; next !== undefined && lost < next; lost += 1) {
        file.offsets.push(file.endBytes);
        file.damaged.add(lost);
      }
    }
  }

  #checkAcknowledged(): void {
    const next = this.nextSequence;
    if (next >= this.#options.acknowledgedSequence) return;
    const last = this.#files.at(-1);
    const place = { file: last?.path ?? this.#options.directory, offsetBytes: last?.endBytes ?? 0, sequence: next };
    throw this.#corrupt(
      place,
      `the file ends here although ${this.#options.acknowledgedSequence} blocks had been acknowledged`,
    );
  }

  #cutTail(): void {
    const last = this.#files.at(-1);
    if (last === undefined) return;
    const fd = openSync(last.path, 'r+');
    try {
      if (this.#options.cutUnsoundTail) dropUnsound(fd, last, this.#options.acknowledgedSequence);
      if (fstatSync(fd).size > last.endBytes) ftruncateSync(fd, last.endBytes);
    } finally {
      closeSync(fd);
    }
  }

  async #openActive(): Promise<void> {
    const last = this.#files.at(-1);
    if (last !== undefined) this.#active = await open(last.path, 'r+');
  }

  async #writable(): Promise<{ file: FrameFile; handle: FileHandle }> {
    const current = this.#files.at(-1);
    if (current === undefined || current.endBytes >= this.#options.fileSizeMaxBytes) {
      await this.#begin(this.nextSequence);
    }
    const file = this.#files.at(-1);
    if (file === undefined || this.#active === undefined) {
      throw new StoreError(`The files in ${this.#options.directory} are closed; open the ledger again.`);
    }
    return { file, handle: this.#active };
  }

  async #begin(firstSequence: number): Promise<void> {
    const name = `${String(firstSequence).padStart(NAME_DIGITS, '0')}${FILE_SUFFIX}`;
    const path = join(this.#options.directory, name);
    const handle = await open(path, 'w+');
    await this.#active?.close();
    this.#active = handle;
    await syncDirectory(this.#options.directory);
    if (this.#files.at(-1)?.path === path) this.#files.pop();
    this.#files.push({ path, firstSequence, offsets: [], damaged: new Set(), endBytes: 0 });
  }

  #fileOf(sequence: number): FrameFile | undefined {
    return this.#files.findLast((file) => file.firstSequence <= sequence);
  }

  #corrupt(place: FramePlace, detail: string): BlockCorruptError {
    const { file, offsetBytes, sequence } = place;
    return new BlockCorruptError({ peer: this.#options.owner, file, offsetBytes, blockNumber: sequence }, detail);
  }
}

function listFrameFiles(directory: string): FrameFile[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(FILE_SUFFIX) && name.length === NAME_DIGITS + FILE_SUFFIX.length)
    .sort()
    .map((name) => ({
      path: join(directory, name),
      firstSequence: Number(name.slice(0, NAME_DIGITS)),
      offsets: [],
      damaged: new Set(),
      endBytes: 0,
    }));
}

/** Takes frames nobody was told about off the list, from the first one on whose digest is wrong. */
function dropUnsound(fd: number, file: FrameFile, acknowledgedSequence: number): void {
  for (let index = Math.max(0, acknowledgedSequence - file.firstSequence); index < file.offsets.length; index += 1) {
    const start = file.offsets[index] ?? 0;
    const frame = Buffer.alloc((file.offsets[index + 1] ?? file.endBytes) - start);
    readSync(fd, frame, 0, frame.length, start);
    if (openFrame(frame, file.firstSequence + index) !== undefined) continue;
    file.offsets.length = index;
    file.endBytes = start;
  }
}

async function readFully(path: string, target: Buffer, offsetBytes: number): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.read(target, 0, target.length, offsetBytes);
  } finally {
    await handle.close();
  }
}

/** A new name in a folder survives a power cut only once the folder itself was synced. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
