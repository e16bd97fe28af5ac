import { hash } from 'node:crypto';
import { errorCodeOf, type FileSystem, shortWrite, type StoredFile } from './file-system.js';

const HEIGHT_BYTES = 8;
const DIGEST_BYTES = 16;
const SLOT_BYTES = HEIGHT_BYTES + DIGEST_BYTES;
const SLOTS = 2;

/**
 * A lower bound of the number of blocks that were acknowledged, by which a damaged block is told from a write that
 * never finished. Two slots are written in turn, each a height and its digest, so that a torn write takes back one
 * block and no more. It is not synced: should a power cut take something back, it still is a lower bound.
 */
export class HeightMark {
  readonly #path: string;
  readonly #file: StoredFile;
  #height: number;

  private constructor(path: string, file: StoredFile, height: number) {
    this.#path = path;
    this.#file = file;
    this.#height = height;
  }

  static async open(files: FileSystem, path: string): Promise<HeightMark> {
    const file = await openOrCreate(files, path);
    const slots = Buffer.alloc(SLOTS * SLOT_BYTES);
    file.read(slots, 0);
    const heights = Array.from({ length: SLOTS }, (_, slot) =>
      heightIn(slots.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)),
    );
    return new HeightMark(path, file, Math.max(...heights));
  }

  /** 0 where nothing is known. */
  get height(): number {
    return this.#height;
  }

  /** One caller at a time. */
  async set(height: number): Promise<void> {
    const bytes = Buffer.alloc(HEIGHT_BYTES);
    bytes.writeBigUInt64BE(BigInt(height));
    const written = await this.#file.write([bytes, digestOf(bytes)], (height % SLOTS) * SLOT_BYTES);
    if (written !== SLOT_BYTES) throw shortWrite(this.#path, written, SLOT_BYTES);
    this.#height = height;
  }

  close(): Promise<void> {
    return this.#file.close();
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
