import { setImmediate } from 'node:timers/promises';
import type { PeerLedger } from '../peer-ledger.js';
import { ReplayedState } from '../store/replayed-state.js';
import type { LedgerTip } from '../store/tip.js';
import { type BlockParts, parseBlock, storedCommitHash } from './block-codec.js';
import { expiredHashes, type ReadBlock } from './expired-keys.js';
import { blockRows, chainFault, commitFault, EMPTY_TIP, rowsOfCommittedBlock, sameBytes } from './replay-block.js';
import type { RulesByBlock } from './rules-by-block.js';
import { validateBlock } from './validate-block.js';

export interface Conclusion {
  readonly peer: PeerLedger;
  /** Of its state at the height in question. */
  readonly commitHashHex: string;
}

export interface Judgement {
  /** The first block of which they did not conclude the same. */
  readonly blockNumber: number;
  /** MSP ids of the peers whose conclusion is not what the blocks come to. */
  readonly wrong: readonly string[];
}

/** The ledger before a block, made again from blocks. */
interface Before {
  readonly tip: LedgerTip;
  readonly state: ReplayedState;
  readonly txIds: ReadonlySet<string>;
  readonly readBlock: ReadBlock;
}

/**
 * Finds out which of several peers that concluded differently are wrong, however many they are: of the first block in
 * which they differ every signature, policy and read is checked again, on a state that is made again from the blocks
 * before it. On those the peers agree, and the commit hash holds codes and writes of each against the one before.
 *
 * @param height - number of blocks up to which they were compared
 * @throws StoreError, BlockCorruptError when the blocks cannot be read, or none of the peers has them as they were made
 */
export async function judgeConclusions(
  conclusions: readonly Conclusion[],
  height: number,
  rules: RulesByBlock,
): Promise<Judgement> {
  const besides = await besidesTheirBlocks(conclusions, height - 1);
  if (besides.length > 0) return { blockNumber: height - 1, wrong: besides };
  const peers = conclusions.map(({ peer }) => peer);
  const blockNumber = await firstDifference(peers, height - 1);
  const before = await ledgerBefore(blockNumber, peers, rules);
  const wrong: string[] = [];
  let truth: Uint8Array | undefined;
  for (const peer of peers) {
    const block = await blockOf(peer, blockNumber);
    if (orderingFault(block, before.tip, rules) !== undefined) {
      wrong.push(peer.mspId);
      continue;
    }
    truth ??= await commitHashOf(block, before, rules);
    if (!sameBytes(storedCommitHash(block), truth)) wrong.push(peer.mspId);
  }
  return { blockNumber, wrong };
}

/**
 * Judges all blocks of one peer again.
 *
 * @returns number of the first block of which the peer did not conclude what it comes to; undefined where there is none
 */
export async function firstWronglyJudged(
  { height, readBlock }: { readonly height: number; readonly readBlock: (number: number) => Promise<BlockParts> },
  rules: RulesByBlock,
): Promise<number | undefined> {
  const state = new ReplayedState(readBlock);
  const txIds = new Set<string>();
  let tip = EMPTY_TIP;
  for (let number = 0; number < height; number += 1) {
    const block = await readBlock(number);
    if (orderingFault(block, tip, rules) !== undefined) return number;
    const truth = number === 0 ? tip.commitHash : await commitHashOf(block, { tip, state, txIds, readBlock }, rules);
    const rows = await rowsOfCommittedBlock(block, { tip, state, readBlock, rules: rules.at(number).channel });
    if (!sameBytes(storedCommitHash(block), truth) || commitFault(block, rows) !== undefined) return number;
    state.apply(rows.writes);
    for (const { txId } of rows.transactions) txIds.add(txId);
    tip = rows.tip;
  }
  return undefined;
}

/** Peers whose state does not even say what their own block says. */
async function besidesTheirBlocks(conclusions: readonly Conclusion[], blockNumber: number): Promise<string[]> {
  const wrong: string[] = [];
  for (const { peer, commitHashHex } of conclusions) {
    const stored = storedCommitHash(await blockOf(peer, blockNumber));
    if (Buffer.from(stored).toString('hex') !== commitHashHex) wrong.push(peer.mspId);
  }
  return wrong;
}

/** The hashes run on from block to block: those that are the same have the same before them. */
async function firstDifference(peers: readonly PeerLedger[], last: number): Promise<number> {
  let same = 0;
  let different = last;
  while (different - same > 1) {
    const middle = Math.floor((same + different) / 2);
    const hashes = await Promise.all(peers.map(async (peer) => storedCommitHash(await blockOf(peer, middle))));
    const first = hashes[0] ?? new Uint8Array();
    if (hashes.every((hash) => sameBytes(hash, first))) same = middle;
    else different = middle;
  }
  return different;
}

/** By the blocks of whichever peer has them as they were made. */
async function ledgerBefore(blockNumber: number, peers: readonly PeerLedger[], rules: RulesByBlock): Promise<Before> {
  const faults: string[] = [];
  for (const peer of peers) {
    const before = await replayed(blockNumber, peer, rules);
    if (typeof before !== 'string') return before;
    faults.push(`${peer.mspId}: ${before}`);
  }
  throw new Error(`No peer has the blocks before block ${blockNumber} as they were made (${faults.join('; ')}).`);
}

/** @returns what is wrong with the blocks, where they cannot be what the peer committed */
async function replayed(blockNumber: number, peer: PeerLedger, rules: RulesByBlock): Promise<Before | string> {
  const readBlock: ReadBlock = (number) => blockOf(peer, number);
  const state = new ReplayedState(readBlock);
  const txIds = new Set<string>();
  let tip = EMPTY_TIP;
  for (let number = 0; number < blockNumber; number += 1) {
    const block = await blockOf(peer, number);
    const rows = await rowsOfCommittedBlock(block, { tip, state, readBlock, rules: rules.at(number).channel });
    const fault = orderingFault(block, tip, rules) ?? commitFault(block, rows);
    if (fault !== undefined) return `block ${number}: ${fault}`;
    state.apply(rows.writes);
    for (const { txId } of rows.transactions) txIds.add(txId);
    tip = rows.tip;
    await setImmediate();
  }
  return { tip, state, txIds, readBlock };
}

/** How a block is not the one that the orderer made behind those before it. */
function orderingFault(block: BlockParts, tip: LedgerTip, { ordering }: RulesByBlock): string | undefined {
  return chainFault(block, tip) ?? ordering?.faultOf(block);
}

async function commitHashOf(block: BlockParts, before: Before, rules: RulesByBlock): Promise<Uint8Array> {
  const { state, tip, txIds, readBlock } = before;
  const { rules: validation, channel } = rules.at(block.number);
  const { transactions, updates } = await validateBlock(block, validation, {
    state,
    knownTransactions: async (asked) => asked.map((txId) => txIds.has(txId)),
  });
  const codes = Uint8Array.from(transactions, ({ code }) => code);
  const expired = await expiredHashes(block.number, { rules: channel, readBlock, state, updates });
  return blockRows(block, tip, { codes, updates, expired, transactions: [] }).tip.commitHash;
}

async function blockOf(peer: PeerLedger, number: number): Promise<BlockParts> {
  const bytes = await peer.blockByNumber(number);
  if (bytes === undefined) throw new Error(`Peer ${peer.mspId} has no block ${number}.`);
  return parseBlock(bytes);
}
