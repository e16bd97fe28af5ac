import { encodeBlock, orderedMetadata, ordererValue, parseBlock } from '../commit/block-codec.js';
import { blockDataHash, blockHeaderHash } from '../commit/block-hash.js';
import { sameBytes } from '../commit/replay-block.js';
import { FrameFiles } from '../store/frame-files.js';
import { StoreError } from '../store/ledger-errors.js';
import { TIP_KEY } from '../store/row-keys.js';
import { StateDatabase } from '../store/state-database.js';
import type { PendingEnvelope } from './pending-log.js';

const BLOCK_FILE_MAX_BYTES = 64 * 1024 * 1024;

/** The orderer's own blocks: number, previous hash and which envelopes are in them. One writer at a time. */
export class OrderedChain {
  readonly #blocks: FrameFiles;
  readonly #heights: StateDatabase;
  #headerHash: Uint8Array;
  #orderedSequence: number;
  /** Peers ask for the newest block all at once: it is read from the disk for none of them. */
  #newest: Uint8Array;

  private constructor(stores: { blocks: FrameFiles; heights: StateDatabase }, newest: Uint8Array) {
    this.#blocks = stores.blocks;
    this.#heights = stores.heights;
    this.#newest = newest;
    const block = parseBlock(newest);
    this.#headerHash = blockHeaderHash(block);
    this.#orderedSequence = decodeSequence(ordererValue(block));
  }

  /**
   * @param genesis - serialised block 0
   * @throws StoreError when the folder is in use or holds another channel
   * @throws BlockCorruptError when the newest block cannot be read: nothing can be built on it
   */
  static async open(
    directories: { readonly blocks: string; readonly heights: string },
    genesis: Uint8Array,
  ): Promise<OrderedChain> {
    // The lock of this database keeps a second orderer out. What it holds tells a torn write from a damaged block.
    const heights = await StateDatabase.open(directories.heights, 'orderer');
    try {
      const blocks = await FrameFiles.open({
        directory: directories.blocks,
        owner: 'orderer',
        fileSizeMaxBytes: BLOCK_FILE_MAX_BYTES,
        acknowledgedSequence: heights.get(TIP_KEY)?.readUIntBE(0, 6) ?? 0,
        cutUnsoundTail: true,
      });
      try {
        if (blocks.nextSequence === 0) await blocks.append(genesis);
        await checkGenesis(blocks, genesis, directories.blocks);
        const newest = await blocks.read(blocks.nextSequence - 1);
        return new OrderedChain({ blocks, heights }, newest ?? genesis);
      } catch (error) {
        await blocks.close();
        throw error;
      }
    } catch (error) {
      await heights.close();
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

  /** Durable on return. */
  async append(batch: readonly PendingEnvelope[]): Promise<void> {
    const envelopes = batch.map(({ envelope }) => envelope);
    const lastSequence = batch.at(-1)?.sequence ?? this.#orderedSequence;
    const header = {
      number: this.height,
      previousHash: this.#headerHash,
      dataHash: blockDataHash(envelopes),
    };
    const bytes = encodeBlock({ ...header, envelopes, metadata: orderedMetadata(encodeSequence(lastSequence)) });
    await this.#blocks.append(bytes);
    this.#newest = bytes;
    this.#headerHash = blockHeaderHash(header);
    this.#orderedSequence = lastSequence;
    const height = Buffer.alloc(6);
    height.writeUIntBE(this.height, 0, 6);
    // Not synced: should a power cut take it back, it still is a lower bound.
    await this.#heights.write([{ key: TIP_KEY, payload: height }], { sync: false });
  }

  async read(blockNumber: number): Promise<Uint8Array | undefined> {
    return blockNumber === this.height - 1 ? this.#newest : this.#blocks.read(blockNumber);
  }

  async close(): Promise<void> {
    await this.#blocks.close();
    await this.#heights.close();
  }
}

async function checkGenesis(blocks: FrameFiles, genesis: Uint8Array, directory: string): Promise<void> {
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
