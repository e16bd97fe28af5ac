import { type BlockParts, parseBlock, storedCommitHash, validationCodes } from '../commit/block-codec.js';
import { NO_CHAINCODES } from '../commit/channel-rules.js';
import { blockHeaderHash } from '../commit/block-hash.js';
import type { ReadBlock } from '../commit/expired-keys.js';
import { chainFault, commitFault, EMPTY_TIP, rowsOfCommittedBlock, tipAfter } from '../commit/replay-block.js';
import type { RulesByBlock } from '../commit/rules-by-block.js';
import { validateBlock } from '../commit/validate-block.js';
import type { BlockHashes, Finding } from './finding.js';
import type { FrameFiles } from './frame-files.js';
import { BlockCorruptError } from './ledger-errors.js';
import type { ReplayedState } from './replayed-state.js';
import type { BlockRows } from './state-store.js';
import type { LedgerTip } from './tip.js';

export interface BlockWalk {
  readonly peer: string;
  readonly blocks: FrameFiles;
  /** Filled with what the valid transactions wrote. */
  readonly state: ReplayedState;
  /** A block by its number, for what an earlier one wrote. */
  readonly readBlock: ReadBlock;
  /**
   * Given, signatures of the orderer are checked and every transaction is judged again; without, stored codes are taken
   * as they are, and which private data has ended is not known.
   */
  readonly rules: RulesByBlock | undefined;
  /** Blocks from here on are not applied: the database has not seen them yet. So only the first of them can be judged. */
  readonly applyBelow: number;
  readonly onBlock: (rows: BlockRows) => void;
}

export interface BlockWalkResult {
  readonly findings: readonly Finding[];
  readonly hashes: readonly (BlockHashes | undefined)[];
  /** Numbers of blocks that could not be read: what they wrote is not known. */
  readonly unreadable: readonly number[];
  readonly transactions: number;
}

/** Reads every block again: digest, chain of headers, transactions, validation codes and commit hash. */
export async function walkBlocks(walk: BlockWalk): Promise<BlockWalkResult> {
  const findings: Finding[] = [];
  const hashes: (BlockHashes | undefined)[] = [];
  const unreadable: number[] = [];
  const txIds = new Set<string>();
  let tip: LedgerTip | undefined = EMPTY_TIP;
  for (let number = 0; number < walk.blocks.nextSequence; number += 1) {
    const found = (detail: string) => findings.push(blockFinding(walk, number, detail));
    const block = await readBlock(walk, number, found);
    hashes.push(block && hashesOf(block));
    if (block === undefined) unreadable.push(number);
    else {
      // Behind what the database has seen, the state before a block is not known any more.
      const complete = unreadable.length === 0 && number <= walk.applyBelow;
      await checkBlock(block, { walk, tip, txIds, found, complete });
    }
    tip = block && tipAfter(block);
  }
  return { findings, hashes, unreadable, transactions: txIds.size };
}

interface BlockCheck {
  readonly walk: BlockWalk;
  /** Undefined behind a block that could not be read. */
  readonly tip: LedgerTip | undefined;
  readonly txIds: Set<string>;
  readonly found: (detail: string) => void;
  /** Whether the state before this block is known. */
  readonly complete: boolean;
}

async function checkBlock(block: BlockParts, check: BlockCheck): Promise<void> {
  const { walk, tip, txIds, found } = check;
  const before = tip ?? tipBefore(block);
  const { state, readBlock } = walk;
  const rules = walk.rules?.at(block.number).channel ?? NO_CHAINCODES;
  const rows = await rowsOfCommittedBlock(block, { tip: before, state, readBlock, rules });
  const faults = [
    chainFault(block, before),
    walk.rules?.ordering?.faultOf(block),
    tip === undefined ? undefined : commitFault(block, rows),
    ...(check.complete ? await wrongCodes(block, check) : []),
  ];
  for (const fault of faults) if (fault !== undefined) found(fault);
  for (const { txId } of rows.transactions) txIds.add(txId);
  if (block.number >= walk.applyBelow) return;
  walk.state.apply(rows.writes);
  walk.onBlock(rows);
}

async function wrongCodes(block: BlockParts, { walk, txIds }: BlockCheck): Promise<string[]> {
  if (walk.rules === undefined || block.number === 0) return [];
  const { transactions } = await validateBlock(block, walk.rules.at(block.number).rules, {
    state: walk.state,
    knownTransactions: async (asked) => asked.map((txId) => txIds.has(txId)),
  });
  const codes = validationCodes(block);
  return transactions.flatMap(({ code }, txNumber) =>
    code === codes[txNumber]
      ? []
      : [`transaction ${txNumber} is stored with validation code ${codes[txNumber]}, but its code is ${code}`],
  );
}

async function readBlock(
  { blocks }: BlockWalk,
  number: number,
  found: (detail: string) => void,
): Promise<BlockParts | undefined> {
  try {
    const bytes = await blocks.read(number);
    return bytes === undefined ? undefined : parseBlock(bytes);
  } catch (error) {
    if (!(error instanceof BlockCorruptError || error instanceof RangeError)) throw error;
    found(error.message);
    return undefined;
  }
}

function hashesOf(block: BlockParts): BlockHashes {
  return {
    headerHashHex: blockHeaderHash(block).toString('hex'),
    commitHashHex: Buffer.from(storedCommitHash(block)).toString('hex'),
  };
}

function tipBefore(block: BlockParts): LedgerTip {
  return { ...EMPTY_TIP, height: block.number, headerHash: block.previousHash };
}

function blockFinding({ peer, blocks }: BlockWalk, number: number, detail: string): Finding {
  const place = blocks.place(number);
  const file = place === undefined ? '' : `, ${place.file} from byte ${place.offsetBytes}`;
  return { peer, kind: 'block', where: `block ${number}${file}`, detail };
}
