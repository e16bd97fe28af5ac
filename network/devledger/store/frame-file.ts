import { join } from 'node:path';
import { type FileSystem, readPossible, shortWrite, type StoredFile } from './file-system.js';
import { openFrame } from './frame.js';
import { scanFrames } from './frame-scan.js';

const SUFFIX = '.frames';
const NAME_DIGITS = 12;

interface Walked {
  readonly offsets: number[];
  readonly damaged: Set<number>;
  endBytes: number;
}

/** One file of numbered frames. Where they stand in it is found out when it is first asked. */
export class FrameFile {
  readonly path: string;
  readonly firstSequence: number;
  #file: StoredFile;
  #sizeBytes: number;
  #walked: Walked | undefined;
  /** First number of the file behind this one; undefined for the newest. */
  #sealedBefore: number | undefined;

  private constructor(path: string, firstSequence: number, file: StoredFile, sizeBytes: number) {
    this.path = path;
    this.firstSequence = firstSequence;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  static async open(files: FileSystem, path: string, how: 'read' | 'change' | 'create'): Promise<FrameFile> {
    const file = await files.open(path, how);
    return new FrameFile(path, firstSequenceOf(path), file, await file.sizeBytes());
  }

  /** Frames up to there were written into this file once: those that are missing are damaged, not absent. */
  seal(nextFirstSequence: number): void {
    this.#sealedBefore = nextFirstSequence;
  }

  get nextSequence(): number {
    return this.#sealedBefore ?? this.firstSequence + this.#walk().offsets.length;
  }

  /** Behind the last complete frame. */
  get endBytes(): number {
    return this.#walk().endBytes;
  }

  /** @returns undefined when the file holds no frame with this number */
  offsetOf(sequence: number): number | undefined {
    return this.#walk().offsets[sequence - this.firstSequence];
  }

  /** @returns undefined when the frame is not what was written */
  read(sequence: number): Uint8Array | undefined {
    const { damaged, offsets, endBytes } = this.#walk();
    const index = sequence - this.firstSequence;
    const start = offsets[index];
    if (start === undefined || damaged.has(sequence)) return undefined;
    const frame = Buffer.allocUnsafeSlow((offsets[index + 1] ?? endBytes) - start);
    return readPossible(this.#file, frame, start) === frame.length ? openFrame(frame, sequence) : undefined;
  }

  /** Behind the last frame. It counts only once `appended` was called. */
  async write(frame: readonly Uint8Array[], frameBytes: number): Promise<void> {
    try {
      const written = await this.#file.write(frame, this.endBytes);
      if (written !== frameBytes) throw shortWrite(this.path, written, frameBytes);
    } catch (error) {
      // What did get written is in nobody's way, but takes up room; if it stays, the next append writes over it.
      await this.cutTail().catch(() => undefined);
      throw error;
    }
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  appended(frameBytes: number): void {
    const walked = this.#walk();
    walked.offsets.push(walked.endBytes);
    walked.endBytes += frameBytes;
    this.#sizeBytes = Math.max(this.#sizeBytes, walked.endBytes);
  }

  /** Takes the newest frame off the list if nobody was told of it and its digest is wrong: no other can be torn. */
  dropUnsound(acknowledgedSequence: number): void {
    const { offsets } = this.#walk();
    const last = this.firstSequence + offsets.length - 1;
    if (last < Math.max(acknowledgedSequence, this.firstSequence) || this.read(last) !== undefined) return;
    this.#walk().endBytes = offsets.pop() ?? 0;
  }

  /** Whether bytes stand behind the last complete frame. */
  get hasTail(): boolean {
    return this.#sizeBytes > this.endBytes;
  }

  async cutTail(): Promise<void> {
    await this.#file.truncate(this.endBytes);
    this.#sizeBytes = this.endBytes;
  }

  /** Takes off the end all frames from one on; durable on return. */
  async cutFrom(sequence: number): Promise<void> {
    const walked = this.#walk();
    walked.endBytes = walked.offsets[sequence - this.firstSequence] ?? walked.endBytes;
    walked.offsets.splice(sequence - this.firstSequence);
    await this.cutTail();
    await this.sync();
  }

  /** Reads from now on what has taken the place of the file. */
  async reopen(files: FileSystem): Promise<void> {
    const replaced = this.#file;
    const file = await files.open(this.path, 'change');
    const sizeBytes = await file.sizeBytes();
    this.#file = file;
    this.#sizeBytes = sizeBytes;
    this.#walked = undefined;
    await replaced.close();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #walk(): Walked {
    this.#walked ??= this.#scan();
    return this.#walked;
  }

  #scan(): Walked {
    const scan = scanFrames(this.#file, this.#sizeBytes, this.firstSequence);
    const offsets = [...scan.offsets];
    const damaged = new Set(scan.damaged);
    const end = this.#sealedBefore ?? 0;
    for (let lost = this.firstSequence + offsets.length; lost < end; lost += 1) {
      offsets.push(scan.endBytes);
      damaged.add(lost);
    }
    return { offsets, damaged, endBytes: scan.endBytes };
  }
}

export function frameFilePath(directory: string, firstSequence: number): string {
  return join(directory, `${String(firstSequence).padStart(NAME_DIGITS, '0')}${SUFFIX}`);
}

/** In the order of their frames. */
export async function openFrameFiles(
  files: FileSystem,
  directory: string,
  how: 'read' | 'change',
): Promise<FrameFile[]> {
  const opened: FrameFile[] = [];
  for (const path of pathsIn(files, directory)) opened.push(await FrameFile.open(files, path, how));
  return opened;
}

function pathsIn(files: FileSystem, directory: string): string[] {
  return files
    .list(directory)
    .filter((name) => name.endsWith(SUFFIX) && name.length === NAME_DIGITS + SUFFIX.length)
    .sort()
    .map((name) => join(directory, name));
}

function firstSequenceOf(path: string): number {
  return Number(path.slice(-NAME_DIGITS - SUFFIX.length, -SUFFIX.length));
}
