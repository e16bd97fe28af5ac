import { setImmediate } from 'node:timers/promises';
import { BlockCorruptError, StoreError } from '../store/ledger-errors.js';
import type { StateStore } from '../store/state-store.js';
import { parseBlock } from './block-codec.js';
import type { Blocks } from './healing-blocks.js';
import { chainFault, commitFault, EMPTY_TIP, rowsOfCommittedBlock } from './replay-block.js';

export interface PeerStores {
  readonly blocks: Blocks;
  readonly state: StateStore;
}

/**
 * Brings the state up to the blocks, from where it ends. The codes in the blocks are taken as they are; that they and
 * the writes belong together, the commit hash says.
 *
 * @throws BlockCorruptError at the first block that is damaged or does not follow
 */
export async function applyBlocks({ blocks, state }: PeerStores, mspId: string): Promise<void> {
  for (let number = state.tip?.height ?? 0; number < blocks.nextSequence; number += 1) {
    await applyBlock({ blocks, state }, number, mspId);
    await setImmediate();
  }
}

async function applyBlock({ blocks, state }: PeerStores, number: number, mspId: string): Promise<void> {
  const bytes = await blocks.read(number);
  const place = blocks.place(number);
  if (bytes === undefined || place === undefined) throw new StoreError(`Block ${number} of ${mspId} is not there.`);
  const tip = state.tip ?? EMPTY_TIP;
  const block = parseBlock(bytes);
  const rows = rowsOfCommittedBlock(block, tip);
  const fault = chainFault(block, tip) ?? commitFault(block, rows);
  if (fault !== undefined) throw new BlockCorruptError({ ...place, peer: mspId, blockNumber: number }, fault);
  await state.apply(rows);
}
