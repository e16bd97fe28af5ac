import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyBlocks } from '../../network/devledger/commit/apply-blocks.js';
import { blocksDirectory, stateDirectory } from '../../network/devledger/commit/open-peer-ledger.js';
import { PrivateKeeper } from '../../network/devledger/private-data/private-keeper.js';
import { RulesByBlock } from '../../network/devledger/commit/rules-by-block.js';
import { FrameFiles } from '../../network/devledger/store/frame-files.js';
import { BlockCorruptError, StateCorruptError } from '../../network/devledger/store/ledger-errors.js';
import { StateStore } from '../../network/devledger/store/state-store.js';
import type { LedgerTopology } from '../../network/topology.js';
import { copyDatabase } from './copy-database.js';
import { type LedgerFolder, peerDirectory } from './ledger-folder.js';

/** One peer's ledger to look at: its own block files, and a copy of its database. */
export interface PeerCopy {
  readonly mspId: string;
  /** Holds `state`, copied, and `blocks`, the peer's own. */
  readonly directory: string;
  /** The peer's own folder. */
  readonly original: string;
  readonly hasBlocks: boolean;
  readonly hasState: boolean;
}

/**
 * Copies what cannot be looked at where it is, runs an action, and removes the copies. Block files are only appended
 * to, so they need no copy; taken after the state, they hold at least the blocks that the state has seen. What a running
 * ledger has in memory only, and a killed one had, is made again in the copy, as its next start would.
 */
export async function withPeerCopies<T>(
  folder: LedgerFolder<LedgerTopology>,
  mspIds: readonly string[],
  action: (copies: readonly PeerCopy[]) => Promise<T>,
): Promise<T> {
  const temporary = await mkdtemp(join(tmpdir(), 'verify-ledger-'));
  try {
    const copies: PeerCopy[] = [];
    for (const mspId of mspIds) copies.push(await copyPeer(folder, mspId, join(temporary, mspId)));
    return await action(copies);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function copyPeer(folder: LedgerFolder<LedgerTopology>, mspId: string, directory: string): Promise<PeerCopy> {
  const original = peerDirectory(folder.dataDir, mspId);
  const hasBlocks = existsSync(blocksDirectory(original));
  const hasState = existsSync(stateDirectory(original));
  await mkdir(directory);
  if (hasState) await copyDatabase(stateDirectory(original), stateDirectory(directory));
  if (hasBlocks) await symlink(blocksDirectory(original), blocksDirectory(directory));
  else await mkdir(blocksDirectory(directory));
  if (hasState && hasBlocks) await catchUp(folder, mspId, directory);
  return { mspId, directory, original, hasBlocks, hasState };
}

/** As far as both can be read; what cannot be read is named by the check that looks at it. */
async function catchUp({ rules }: LedgerFolder<LedgerTopology>, mspId: string, directory: string): Promise<void> {
  const byBlock = new RulesByBlock(rules, rules.definitionsAt);
  const rulesAt = (blockNumber?: number) => byBlock.at(blockNumber).channel;
  const keeper = new PrivateKeeper({ mspId, rulesAt });
  try {
    const state = await StateStore.open(stateDirectory(directory), mspId);
    try {
      await FrameFiles.look({ directory: blocksDirectory(directory), owner: mspId }, (blocks) =>
        keeper.bringUp(state, () => applyBlocks({ state, blocks }, { mspId, rulesAt, keeper })),
      );
    } finally {
      await state.close();
    }
  } catch (error) {
    const isNamed = [BlockCorruptError, StateCorruptError, RangeError].some((known) => error instanceof known);
    if (!isNamed) throw error;
  }
}

/** Names the peer's own folder where a sentence names the copy. */
export function inOriginal(sentence: string, { directory, original }: PeerCopy): string {
  return sentence.replaceAll(directory, original);
}
