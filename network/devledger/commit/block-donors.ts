import { errorCodeOf, type FileSystem } from '../store/file-system.js';
import { FrameFiles } from '../store/frame-files.js';
import { BlockCorruptError } from '../store/ledger-errors.js';
import type { LedgerTip } from '../store/tip.js';
import { type BlockParts, encodeBlock, orderersPart, parseBlock } from './block-codec.js';
import type { ChannelOrdering } from './channel-ordering.js';
import { type ChannelRules, NO_CHAINCODES } from './channel-rules.js';
import type { ReadBlock } from './expired-keys.js';
import { chainFault, commitFault, EMPTY_TIP, rowsOfCommittedBlock, sameBytes, tipAfter } from './replay-block.js';
import { StateBefore } from './state-before.js';

/** Where another member of the process keeps its blocks. */
export interface BlocksPlace {
  readonly owner: string;
  readonly directory: string;
}

interface DonorPlaces {
  readonly files: FileSystem;
  /** Folders of peers; those that are not there or damaged themselves give nothing. */
  readonly places: readonly BlocksPlace[];
  /** Hash of the header of block 0: who begins otherwise belongs to another network. */
  readonly genesisHash: Uint8Array;
  /** Undefined where blocks are not signed. */
  readonly ordering: ChannelOrdering | undefined;
}

export type DonorOptions = DonorPlaces &
  (AsCommitted | { /** As the orderer keeps a block. */ readonly form: 'ordered' });

/** As a peer keeps a block, with what it found. */
interface AsCommitted {
  readonly form: 'committed';
  readonly rulesAt: (blockNumber: number) => ChannelRules;
}

/**
 * Copies of blocks that other peers have. A copy is taken only where the orderer has signed it and its hashes fit what
 * is left here: the block before it, the block behind it, and, between peers, the running commit hash on both sides.
 */
export class BlockDonors {
  readonly #options: DonorOptions;
  readonly #opened: FrameFiles[];
  /** Given already, for frames whose neighbour is lost too. */
  readonly #given = new Map<number, BlockParts>();

  private constructor(options: DonorOptions, opened: FrameFiles[]) {
    this.#options = options;
    this.#opened = opened;
  }

  /** To be closed when the repair is over. */
  static async open(options: DonorOptions): Promise<BlockDonors> {
    const opened: FrameFiles[] = [];
    for (const { owner, directory } of options.places) {
      const files = await inspectIfThere({ owner, directory, files: options.files });
      if (files !== undefined) opened.push(files);
    }
    return new BlockDonors(options, opened);
  }

  /** Number of blocks that somebody has; a write of the newest that was never finished does not count. */
  async height(): Promise<number> {
    let highest = 0;
    for (const donor of this.#opened) {
      const newest = donor.nextSequence - 1;
      if (!(await this.#isOfThisNetwork(donor))) continue;
      highest = Math.max(highest, (await readSound(donor, newest)) === undefined ? newest : newest + 1);
    }
    return highest;
  }

  /** @param own - what is left of the blocks here */
  async give(number: number, own: FrameFiles): Promise<Uint8Array | undefined> {
    for (const donor of this.#opened) {
      const block = (await this.#isOfThisNetwork(donor)) ? await readSound(donor, number) : undefined;
      if (block === undefined || !(await this.#fits(block, own, donor))) continue;
      const given = this.#options.form === 'ordered' ? asOrdered(block) : block;
      this.#given.set(number, block);
      return encodeBlock(given);
    }
    return undefined;
  }

  async close(): Promise<void> {
    for (const donor of this.#opened) await donor.close();
  }

  async #isOfThisNetwork(donor: FrameFiles): Promise<boolean> {
    const first = await readSound(donor, 0);
    // Where block 0 cannot be read, the hashes of the others still tell.
    return first === undefined || sameBytes(tipAfter(first).headerHash, this.#options.genesisHash);
  }

  #faultOf(block: BlockParts, before: LedgerTip): string | undefined {
    return chainFault(block, before) ?? this.#options.ordering?.faultOf(block);
  }

  async #fits(block: BlockParts, own: FrameFiles, donor: FrameFiles): Promise<boolean> {
    const before = this.#given.get(block.number - 1) ?? (await readSound(own, block.number - 1));
    if (before === undefined && block.number > 0) return false;
    const tip = before === undefined ? EMPTY_TIP : tipAfter(before);
    if (this.#faultOf(block, tip) !== undefined) return false;
    const behind = await readSound(own, block.number + 1);
    if (behind !== undefined && !sameBytes(behind.previousHash, tipAfter(block).headerHash)) return false;
    if (this.#options.form === 'ordered') return true;
    const { rulesAt } = this.#options;
    const readBlock = async (number: number) =>
      number === block.number ? block : (this.#given.get(number) ?? (await readOne([own, donor], number)));
    const from = { readBlock, rulesAt };
    return (
      (await isCommittedAfter(block, before, from)) &&
      (behind === undefined || (await isCommittedAfter(behind, block, from)))
    );
  }
}

/** One block; who needs many keeps the donors open. */
export async function giveOnce(
  options: DonorOptions,
  number: number,
  own: FrameFiles,
): Promise<Uint8Array | undefined> {
  const donors = await BlockDonors.open(options);
  try {
    return await donors.give(number, own);
  } finally {
    await donors.close();
  }
}

interface EarlierBlocks {
  readonly readBlock: ReadBlock;
  readonly rulesAt: (blockNumber: number) => ChannelRules;
}

async function isCommittedAfter(
  block: BlockParts,
  before: BlockParts | undefined,
  { readBlock, rulesAt }: EarlierBlocks,
): Promise<boolean> {
  const tip = before === undefined ? EMPTY_TIP : tipAfter(before);
  const state = new StateBefore(block.number, { readBlock, rulesAt });
  try {
    // Which private data ends with the block is no part of its commit hash.
    const rows = await rowsOfCommittedBlock(block, { tip, state, readBlock, rules: NO_CHAINCODES });
    return commitFault(block, rows) === undefined;
  } catch (error) {
    // What cannot be held against the blocks before it is not taken.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** What the orderer handed out, before a peer added what it found. */
function asOrdered(block: BlockParts): BlockParts {
  return { ...block, metadata: orderersPart(block.metadata) };
}

async function inspectIfThere(place: BlocksPlace & { readonly files: FileSystem }): Promise<FrameFiles | undefined> {
  try {
    return await FrameFiles.inspect(place);
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readOne(copies: readonly FrameFiles[], number: number): Promise<BlockParts | undefined> {
  for (const copy of copies) {
    const block = await readSound(copy, number);
    if (block !== undefined) return block;
  }
  return undefined;
}

async function readSound(files: FrameFiles, number: number): Promise<BlockParts | undefined> {
  try {
    const bytes = await files.read(number);
    return bytes === undefined ? undefined : parseBlock(bytes);
  } catch (error) {
    if (error instanceof BlockCorruptError || error instanceof RangeError) return undefined;
    throw error;
  }
}
