import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { BlockParts } from '../../devledger/commit/block-codec.js';
import { BlockCorruptError } from '../../devledger/store/ledger-errors.js';
import { decodeStoredBlock } from './stored-block.js';
import { readVarint } from './varint.js';

/** Where a block stands. */
export interface BlockPlace {
  readonly file: string;
  readonly offsetBytes: number;
}

interface Frame extends BlockPlace {
  /** With the length before it. */
  readonly endBytes: number;
}

const FILE_PREFIX = 'blockfile_';
/** Length of a data hash: the byte that follows a block's number. */
const HASH_BYTES = 32;
/** How many blocks one piece of damage may swallow before the next one that is looked for. */
const BLOCKS_SKIPPED_MAX = 1000;

/**
 * The block files of one of Fabric's nodes, read beside it or when it is stopped. Blocks are only appended, each with
 * its length before it; what follows the last whole one is a write that has not ended.
 *
 * A length or number that is damaged does not hide the blocks behind it: the next block is looked for.
 *
 * @see Fabric common/ledger/blkstorage/block_stream.go
 */
export class FabricBlockFiles {
  readonly #owner: string;
  /** By number less that of the first block; undefined for those that damage has swallowed. */
  readonly #frames: (Frame | undefined)[] = [];
  readonly firstSequence: number;
  readonly #damagedAt = new Map<number, BlockPlace>();

  /** @param owner - as errors name it: an MSP id or the host of an orderer */
  static inspect(input: { readonly directory: string; readonly owner: string }): FabricBlockFiles {
    return new FabricBlockFiles(input.directory, input.owner);
  }

  private constructor(directory: string, owner: string) {
    this.#owner = owner;
    const files = readdirSync(directory)
      .filter((name) => name.startsWith(FILE_PREFIX))
      .sort()
      .map((name) => join(directory, name));
    this.firstSequence = firstNumber(files[0]) ?? 0;
    for (const file of files) this.#scan(file);
  }

  /** Number of the block that would come next. */
  get nextSequence(): number {
    return this.firstSequence + this.#frames.length;
  }

  place(number: number): BlockPlace | undefined {
    return this.#frames[number - this.firstSequence] ?? this.#damagedAt.get(number);
  }

  /** @throws BlockCorruptError when the bytes in its place are no such block */
  async read(number: number): Promise<BlockParts | undefined> {
    if (number < this.firstSequence || number >= this.nextSequence) return undefined;
    const frame = this.#frames[number - this.firstSequence];
    const block = frame && decodeFrame(readFrame(frame));
    if (block?.number === number) return block;
    const { file, offsetBytes } = this.place(number) ?? { file: '', offsetBytes: 0 };
    const where = { peer: this.#owner, file, offsetBytes, blockNumber: number };
    throw new BlockCorruptError(where, 'its bytes are no block');
  }

  #scan(file: string): void {
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; ) {
      const expected = this.nextSequence;
      const found = wholeFrame(bytes, at, expected, expected) ?? nextFrame(bytes, at, expected);
      if (found === undefined) {
        this.#noteLostEnd(bytes, at, file);
        return;
      }
      for (let lost = expected; lost < found.number; lost += 1) {
        this.#damagedAt.set(lost, { file, offsetBytes: at });
        this.#frames.push(undefined);
      }
      this.#frames.push({ file, offsetBytes: found.at, endBytes: found.endBytes });
      at = found.endBytes;
    }
  }

  /** What is too short for its length has not been written to its end; anything else was a block once. */
  #noteLostEnd(bytes: Buffer, at: number, file: string): void {
    const length = readVarint(bytes, at);
    if (length === undefined || length.nextAt + length.value > bytes.length) return;
    this.#damagedAt.set(this.nextSequence, { file, offsetBytes: at });
    this.#frames.push(undefined);
  }
}

/** A frame there whose block has one of the numbers. Only its beginning is looked at. */
function frameAt(bytes: Buffer, at: number, from: number, to: number) {
  const length = readVarint(bytes, at);
  if (length === undefined || length.nextAt + length.value > bytes.length) return undefined;
  const number = readVarint(bytes, length.nextAt);
  if (number === undefined || number.value < from || number.value > to || bytes[number.nextAt] !== HASH_BYTES) return;
  return { number: number.value, at, endBytes: length.nextAt + length.value };
}

/** The next whole block behind damage. */
function nextFrame(bytes: Buffer, from: number, expected: number) {
  for (let at = from + 1; at < bytes.length; at += 1) {
    const found = wholeFrame(bytes, at, expected + 1, expected + BLOCKS_SKIPPED_MAX);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A length that was changed may still end somewhere, but then what it spans is no block. */
function wholeFrame(bytes: Buffer, at: number, from: number, to: number) {
  const found = frameAt(bytes, at, from, to);
  return found && decodeFrame(bytes.subarray(at, found.endBytes)) && found;
}

/** @param bytes - of a frame, with its length */
function decodeFrame(bytes: Buffer): BlockParts | undefined {
  const length = readVarint(bytes, 0);
  return length && decodeStoredBlock(bytes.subarray(length.nextAt));
}

/** Not 0 for a peer that was filled from a snapshot. */
function firstNumber(file: string | undefined): number | undefined {
  if (file === undefined) return undefined;
  const bytes = readPart(file, 0, 32);
  const length = readVarint(bytes, 0);
  const number = length && readVarint(bytes, length.nextAt);
  // Damage to the very first number must not make a ledger look as if it began elsewhere.
  return number !== undefined && bytes[number.nextAt] === HASH_BYTES ? number.value : 0;
}

function readFrame({ file, offsetBytes, endBytes }: Frame): Buffer {
  return readPart(file, offsetBytes, endBytes - offsetBytes);
}

function readPart(file: string, offsetBytes: number, sizeBytes: number): Buffer {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(Math.min(sizeBytes, Math.max(0, fstatSync(handle).size - offsetBytes)));
    readSync(handle, bytes, 0, bytes.length, offsetBytes);
    return bytes;
  } finally {
    closeSync(handle);
  }
}
