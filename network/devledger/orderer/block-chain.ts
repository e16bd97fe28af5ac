import { join } from 'node:path';
import { encodeBlock, orderedMetadata, ordererValue, parseBlock } from '../commit/block-codec.js';
import { BlockDonors, type BlocksPlace } from '../commit/block-donors.js';
import { type BlockHeader, blockDataHash, blockHeaderHash } from '../commit/block-hash.js';
import { type Blocks, HealingBlocks } from '../commit/healing-blocks.js';
import { sameBytes } from '../commit/replay-block.js';
import { type FileLock, lockFile } from '../store/file-lock.js';
import { type FileSystem, makeDurableDirectory } from '../store/file-system.js';
import { FrameFiles } from '../store/frame-files.js';
import { HeightMark } from '../store/height-mark.js';
import { StoreError } from '../store/ledger-errors.js';
import type { PendingEnvelope } from './pending-log.js';
import { type BlockSealing, sealBlock } from './seal-block.js';

const BLOCK_FILE_MAX_BYTES = 64 * 1024 * 1024;

export interface OrderedChainOptions {
  /** Folder of the block files. */
  readonly blocks: string;
  /** Folder of lock and height mark. */
  readonly heights: string;
  /** Serialised block 0. */
  readonly genesis: Uint8Array;
  readonly files: FileSystem;
  /** Default 64 MiB. */
  readonly fileSizeMaxBytes: number | undefined;
  /** Where peers keep their blocks. */
  readonly peers: readonly BlocksPlace[];
  readonly onIncident: (sentence: string) => void;
  /** Undefined for a ledger whose blocks are not signed. */
  readonly sealing: BlockSealing | undefined;
}

/** A block that is not part of the chain yet. */
export interface NextBlock {
  readonly header: BlockHeader;
  readonly bytes: Uint8Array;
  /** Of its last envelope. */
  readonly lastSequence: number;
}

/** The orderer's own blocks: number, previous hash and which envelopes are in them. One writer at a time. */
export class OrderedChain {
  readonly #blocks: Blocks;
  readonly #mark: HeightMark;
  readonly #lock: FileLock;
  readonly #sealing: BlockSealing | undefined;
  #headerHash: Uint8Array;
  #orderedSequence: number;
  /** Peers ask for the newest block all at once: it is read from the disk for none of them. */
  #newest: Uint8Array;

  private constructor(
    stores: { blocks: Blocks; mark: HeightMark; lock: FileLock },
    { newest, sealing }: { readonly newest: Uint8Array; readonly sealing: BlockSealing | undefined },
  ) {
    this.#blocks = stores.blocks;
    this.#mark = stores.mark;
    this.#lock = stores.lock;
    this.#sealing = sealing;
    this.#newest = newest;
    const block = parseBlock(newest);
    this.#headerHash = blockHeaderHash(block);
    this.#orderedSequence = decodeSequence(ordererValue(block));
  }

  /**
   * Blocks that peers have and the orderer has lost are taken back from them before anything new is ordered.
   *
   * @throws StoreError when the folder is in use or holds another channel
   * @throws BlockCorruptError when the newest block cannot be read and no peer has it: nothing can be built on it
   */
  static async open(options: OrderedChainOptions): Promise<OrderedChain> {
    const { heights, files, genesis } = options;
    await makeDurableDirectory(files, heights);
    const lock = lockFile(join(heights, 'lock'));
    if (lock === undefined) {
      throw new StoreError(`${heights} is in use by another process: stop that ledger first.`, { inUse: true });
    }
    let mark: HeightMark | undefined;
    try {
      mark = await HeightMark.open(files, join(heights, 'height'));
      const blocks = await openBlocks(options, mark.height);
      const newest = (await blocks.read(blocks.nextSequence - 1)) ?? genesis;
      return new OrderedChain({ blocks, mark, lock }, { newest, sealing: options.sealing });
    } catch (error) {
      await mark?.close();
      lock.release();
      throw error;
    }
  }

  get height(): number {
    return this.#blocks.nextSequence;
  }

  /** The last envelope that is in a block. */
  get orderedSequence(): number {
    return this.#orderedSequence;
  }

  /** What these envelopes make of the next block. */
  blockOf(batch: readonly PendingEnvelope[]): NextBlock {
    const envelopes = batch.map(({ envelope }) => envelope);
    const lastSequence = batch.at(-1)?.sequence ?? this.#orderedSequence;
    const header = {
      number: this.height,
      previousHash: this.#headerHash,
      dataHash: blockDataHash(envelopes),
    };
    const value = encodeSequence(lastSequence);
    const metadata = this.#sealing === undefined ? orderedMetadata(value) : sealBlock(header, value, this.#sealing);
    return { header, bytes: encodeBlock({ ...header, envelopes, metadata }), lastSequence };
  }

  /**
   * Durable on return.
   *
   * @param onWritten - called when all that is left is to wait for the disk
   */
  async append({ header, bytes, lastSequence }: NextBlock, onWritten: () => void): Promise<void> {
    await this.#blocks.append(bytes, onWritten);
    this.#newest = bytes;
    this.#headerHash = blockHeaderHash(header);
    this.#orderedSequence = lastSequence;
  }

  /** Notes how many blocks there are; after each one that was appended, and never before. */
  async noteHeight(): Promise<void> {
    await this.#mark.set(this.height);
  }

  async read(blockNumber: number): Promise<Uint8Array | undefined> {
    return blockNumber === this.height - 1 ? this.#newest : this.#blocks.read(blockNumber);
  }

  async close(): Promise<void> {
    await this.#blocks.close();
    await this.#mark.close();
    this.#lock.release();
  }
}

async function openBlocks(options: OrderedChainOptions, markedHeight: number): Promise<HealingBlocks> {
  const { blocks: directory, genesis, files, fileSizeMaxBytes, peers: places, onIncident } = options;
  const genesisHash = blockHeaderHash(parseBlock(genesis));
  const ordering = options.sealing?.ordering;
  const donorOptions = { files, places, form: 'ordered', genesisHash, ordering } as const;
  const donors = await BlockDonors.open(donorOptions);
  try {
    const opened = await FrameFiles.open({
      directory,
      owner: 'orderer',
      fileSizeMaxBytes: fileSizeMaxBytes ?? BLOCK_FILE_MAX_BYTES,
      // A peer is given a block when it is durable here: what peers have had been acknowledged.
      acknowledgedSequence: Math.max(markedHeight, await donors.height()),
      cutUnsoundTail: true,
      files,
      donate: (lost, own) => donors.give(lost, own),
    });
    const blocks = new HealingBlocks(opened, { donors: donorOptions, onIncident });
    try {
      if (blocks.nextSequence === 0) await blocks.append(genesis);
      await checkGenesis(blocks, genesis, directory);
      return blocks;
    } catch (error) {
      await blocks.close();
      throw error;
    }
  } finally {
    await donors.close();
  }
}

async function checkGenesis(blocks: Blocks, genesis: Uint8Array, directory: string): Promise<void> {
  const first = await blocks.read(0);
  if (first !== undefined && sameBytes(first, genesis)) return;
  throw new StoreError(
    `${directory} holds another network's blocks: block 0 does not name these organisations and certificates. ` +
      'Use another data folder, or bring back the certificates it was made with.',
  );
}

function encodeSequence(sequence: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(sequence));
  return bytes;
}

function decodeSequence(bytes: Uint8Array): number {
  // Block 0 holds no envelope that was submitted.
  return bytes.length === 0 ? 0 : Number(Buffer.from(bytes).readBigUInt64BE(0));
}
