import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type BlockParts, parseBlock } from '../commit/block-codec.js';
import { firstWronglyJudged } from '../commit/commit-judge.js';
import { blocksDirectory, openPeerLedger, type PeerLedgerOptions, stateDirectory } from '../commit/open-peer-ledger.js';
import { RulesByBlock } from '../commit/rules-by-block.js';
import { DISK } from './file-system.js';
import { openFrameFiles } from './frame-file.js';
import { FrameFiles } from './frame-files.js';
import { cutFrames } from './frame-repair.js';
import { keepAside } from './keep-aside.js';
import { BlockCorruptError } from './ledger-errors.js';
import { StateDatabase } from './state-database.js';
import { heightMarkPath } from './state-store.js';

export interface RebuiltPeer {
  /** Number of blocks its state was made from. */
  readonly height: number;
  /** Blocks whose transactions it had judged wrongly, and those behind them: the orderer gives them again. */
  readonly takenBack: number;
  /** Where what was taken back is kept; undefined where nothing was. */
  readonly keptIn: string | undefined;
}

/**
 * Makes a stopped peer's database again from its blocks. Each of them is judged again first: from one on that the peer
 * had judged wrongly, they are taken back. The old database is kept beside the new one as `state.replaced` until the
 * next rebuild. Private data, which no block holds, is taken over from it as far as it fits the blocks.
 *
 * @throws StoreError when the ledger is running
 * @throws BlockCorruptError when a block it needs is damaged
 */
export async function rebuildPeer(options: PeerLedgerOptions): Promise<RebuiltPeer> {
  const { directory, mspId, signatureCache: signatures, definitionsAt } = options;
  const state = stateDirectory(directory);
  // Whoever runs the ledger has it locked.
  await StateDatabase.open(state, mspId, { salvage: true }).then(
    (database) => database.close(),
    (error: unknown) => {
      if (!(error instanceof Error && error.name === 'StateCorruptError')) throw error;
    },
  );
  const rules = new RulesByBlock({ ...options, signatures }, definitionsAt);
  const wrong = await FrameFiles.look(blocksOf(options), (blocks) => firstWronglyJudged(reading(blocks), rules));
  const replaced = `${state}.replaced`;
  await rm(replaced, { recursive: true, force: true });
  await rename(state, replaced);
  const taken = wrong === undefined ? undefined : await takeBack(options, wrong);
  const ledger = await openPeerLedger({ ...options, earlierState: replaced });
  try {
    return { height: ledger.height(), takenBack: taken?.count ?? 0, keptIn: taken?.keptIn };
  } finally {
    await ledger.close();
  }
}

function blocksOf({ directory, mspId }: PeerLedgerOptions): { readonly directory: string; readonly owner: string } {
  return { directory: blocksDirectory(directory), owner: mspId };
}

function reading(blocks: FrameFiles) {
  return {
    height: blocks.nextSequence,
    readBlock: async (number: number): Promise<BlockParts> => {
      const bytes = await blocks.read(number);
      const place = { file: '', offsetBytes: 0, ...blocks.place(number), peer: '', blockNumber: number };
      if (bytes === undefined) throw new BlockCorruptError(place, 'it is not there');
      return parseBlock(bytes);
    },
  };
}

async function takeBack(options: PeerLedgerOptions, from: number): Promise<{ count: number; keptIn: string }> {
  const { directory, files = DISK } = options;
  const blocks = blocksDirectory(directory);
  const count = await FrameFiles.look(blocksOf(options), async ({ nextSequence }) => nextSequence - from);
  const keptIn = await keepAside(files, directory, []);
  for (const file of await openFrameFiles(files, blocks, 'read')) {
    await files.copy(file.path, join(keptIn, `${basename(blocks)}-${basename(file.path)}`));
    await file.close();
  }
  // What it says of the height counts no more.
  await files.remove(heightMarkPath(stateDirectory(directory)));
  await files.syncDirectory(directory);
  await cutFrames(files, blocks, from);
  return { count, keptIn };
}
