import { hash } from 'node:crypto';
import { errorCodeOf, type FileSystem, isDiskFull, readPossible, shortWrite, type StoredFile } from './file-system.js';

const HEIGHT_BYTES = 8;
const DIGEST_BYTES = 16;
const SLOT_BYTES = HEIGHT_BYTES + DIGEST_BYTES;
const SLOTS = 2;

/**
 * A lower bound of a number that only grows, such as that of blocks that were acknowledged: by it damage is told from a
 * write that never finished. Two slots are written in turn, each a number and its digest, so that a torn write takes
 * back one step and no more. It is not synced: should a power cut take something back, it still is a lower bound.
 */
export class HeightMark {
  readonly #path: string;
  readonly #file: StoredFile;
  #height: number;
  #nextSlot: number;

  private constructor(path: string, file: StoredFile, heights: readonly number[]) {
    this.#path = path;
    this.#file = file;
    this.#height = Math.max(...heights);
    this.#nextSlot = (heights.indexOf(this.#height) + 1) % SLOTS;
  }

  static async open(files: FileSystem, path: string): Promise<HeightMark> {
    const file = await openOrCreate(files, path);
    const slots = Buffer.alloc(SLOTS * SLOT_BYTES);
    readPossible(file, slots, 0);
    const heights = Array.from({ length: SLOTS }, (_, slot) =>
      heightIn(slots.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)),
    );
    return new HeightMark(path, file, heights);
  }

  /** 0 where nothing is known. */
  get height(): number {
    return this.#height;
  }

  /** One caller at a time. A full disk leaves it where it was. */
  async set(height: number): Promise<void> {
    try {
      await this.#write(height);
    } catch (error) {
      // What was acknowledged lies elsewhere and is safe: the mark stays a lower bound.
      if (!isDiskFull(error)) throw error;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(height: number): Promise<void> {
    const bytes = Buffer.alloc(HEIGHT_BYTES);
    bytes.writeBigUInt64BE(BigInt(height));
    const written = await this.#file.write([bytes, digestOf(bytes)], this.#nextSlot * SLOT_BYTES);
    if (written !== SLOT_BYTES) throw shortWrite(this.#path, written, SLOT_BYTES);
    this.#height = height;
    this.#nextSlot = (this.#nextSlot + 1) % SLOTS;
  }
}

async function openOrCreate(files: FileSystem, path: string): Promise<StoredFile> {
  try {
    return await files.open(path, 'change');
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw error;
    return files.open(path, 'create');
  }
}

function heightIn(slot: Buffer): number {
  const bytes = slot.subarray(0, HEIGHT_BYTES);
  return digestOf(bytes).equals(slot.subarray(HEIGHT_BYTES)) ? Number(bytes.readBigUInt64BE()) : 0;
}

function digestOf(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer').subarray(0, DIGEST_BYTES);
}
