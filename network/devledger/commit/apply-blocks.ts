import { setImmediate } from 'node:timers/promises';
import { validTransactions } from '../private-data/missing-set.js';
import type { PrivateKeeper } from '../private-data/private-keeper.js';
import { BlockCorruptError, StoreError } from '../store/ledger-errors.js';
import type { StateStore } from '../store/state-store.js';
import { type BlockParts, parseBlock } from './block-codec.js';
import type { ChannelOrdering } from './channel-ordering.js';
import type { ChannelRules } from './channel-rules.js';
import type { Blocks } from './healing-blocks.js';
import { chainFault, commitFault, EMPTY_TIP, rowsOfCommittedBlock } from './replay-block.js';

export interface PeerStores {
  readonly blocks: Pick<Blocks, 'nextSequence' | 'place' | 'read'>;
  readonly state: StateStore;
}

export interface Replay {
  readonly mspId: string;
  /** Say which private data ends when. */
  readonly rulesAt: (blockNumber: number) => ChannelRules;
  /** Left out, the state gets no private data. */
  readonly keeper?: PrivateKeeper;
  /** Undefined where blocks are not signed. */
  readonly ordering?: ChannelOrdering | undefined;
}

/**
 * Brings the state up to the blocks, from where it ends. The codes in the blocks are taken as they are; that they and
 * the writes belong together, the commit hash says.
 *
 * @throws BlockCorruptError at the first block that is damaged or does not follow
 */
export async function applyBlocks(stores: PeerStores, replay: Replay): Promise<void> {
  const { blocks, state } = stores;
  for (let number = state.tip?.height ?? 0; number < blocks.nextSequence; number += 1) {
    await applyBlock(stores, number, replay);
    await setImmediate();
  }
}

async function applyBlock(
  stores: PeerStores,
  number: number,
  { mspId, rulesAt, keeper, ordering }: Replay,
): Promise<void> {
  const { blocks, state } = stores;
  const block = await readBlock(stores, number);
  const place = blocks.place(number);
  if (block === undefined || place === undefined) throw new StoreError(`Block ${number} of ${mspId} is not there.`);
  const tip = state.tip ?? EMPTY_TIP;
  const snapshot = state.snapshot();
  const rows = await rowsOfCommittedBlock(block, {
    tip,
    state: snapshot,
    readBlock: (earlier) => readBlock(stores, earlier),
    rules: rulesAt(number),
  }).finally(() => snapshot.close());
  const fault = chainFault(block, tip) ?? ordering?.faultOf(block) ?? commitFault(block, rows);
  if (fault !== undefined) throw new BlockCorruptError({ ...place, peer: mspId, blockNumber: number }, fault);
  if (keeper === undefined) return state.apply(rows);
  // What the peer was given before the block is still there when it was cut off while it committed; what is not is
  // noted, and asked for again.
  const transactions = validTransactions(block);
  await state.apply({ ...rows, privateRows: await keeper.rowsOfBlock(state, number, transactions) });
  keeper.applied(number, transactions);
}

async function readBlock({ blocks }: PeerStores, number: number): Promise<BlockParts | undefined> {
  const bytes = await blocks.read(number);
  return bytes && parseBlock(bytes);
}
