import { rename, rm } from 'node:fs/promises';
import { blocksDirectory, openPeerLedger, type PeerLedgerOptions, stateDirectory } from '../commit/open-peer-ledger.js';
import { type BlockParts, parseBlock } from '../commit/block-codec.js';
import type { ChannelOrdering } from '../commit/channel-ordering.js';
import type { ChaincodeDefinition } from '../commit/chaincode-definition.js';
import type { ReadBlock } from '../commit/expired-keys.js';
import { RulesByBlock } from '../commit/rules-by-block.js';
import type { ValidationRules } from '../commit/validate-block.js';
import type { BlockHashes, Finding, PeerVerification } from './finding.js';
import { FrameFiles } from './frame-files.js';
import { BlockCorruptError, StateCorruptError } from './ledger-errors.js';
import type { PeerFolder } from './read-peer.js';
import { ReplayedState } from './replayed-state.js';
import { TIP_KEY } from './row-keys.js';
import { StateDatabase } from './state-database.js';
import { decodeTip } from './tip.js';
import { walkBlocks } from './verify-blocks.js';
import { compareState, IndexCheck } from './verify-state.js';

/** Rules of a channel on which chaincodes were deployed in the course of time. */
export interface LastingRules extends ValidationRules {
  /** Definitions beside those of the rules, which count from some block on. */
  readonly definitionsAt?: (blockNumber: number) => readonly ChaincodeDefinition[];
  /** Whose signature each block is to have; left out where blocks are not signed. */
  readonly ordering?: ChannelOrdering | undefined;
}

/**
 * Checks everything a peer stores against its blocks, and its blocks against each other. The ledger must be stopped.
 *
 * @param rules - when given, every signature, endorsement and conflict is judged again as well
 * @throws StoreError when the ledger is running
 */
export async function verifyPeer(folder: PeerFolder, rules?: LastingRules): Promise<PeerVerification> {
  const { mspId: peer, directory } = folder;
  const opened = await openState(folder);
  try {
    return await FrameFiles.look({ directory: blocksDirectory(directory), owner: peer }, (blocks) =>
      verifyStores(peer, { opened, blocks }, rules),
    );
  } finally {
    await opened.database?.close();
  }
}

async function verifyStores(
  peer: string,
  { opened, blocks }: { readonly opened: OpenedState; readonly blocks: FrameFiles },
  rules: LastingRules | undefined,
): Promise<PeerVerification> {
  const readBlock: ReadBlock = (number) => readable(blocks, number);
  const state = new ReplayedState(readBlock);
  const index = opened.database && new IndexCheck(peer, opened.database);
  const walked = await walkBlocks({
    peer,
    blocks,
    state,
    readBlock,
    rules: rules && new RulesByBlock(rules, rules.definitionsAt),
    ordering: rules?.ordering,
    applyBelow: opened.height ?? blocks.nextSequence,
    onBlock: (rows) => index?.check(rows),
  });
  const height = blocks.nextSequence;
  let findings = [...opened.findings, ...walked.findings, ...behind(peer, height, opened.height)];
  let stateRows = 0;
  if (opened.database !== undefined && index !== undefined) {
    if (walked.unreadable.length === 0) await index.checkCounts();
    const compared = await compareState(peer, opened.database, { state, unreadable: walked.unreadable });
    stateRows = compared.rows;
    findings = [...findings, ...index.findings, ...compared.findings];
    // Where no row names the damage, the place in the file does.
    if (findings.length === 0) findings = await damagedParts(peer, opened.database);
  }
  return { peer, height, stateRows, transactions: walked.transactions, findings, blocks: walked.hashes };
}

/**
 * Where peers differ in height, block hashes or commit hashes; the first block of each difference. A peer in the
 * minority is named, otherwise every peer that differs from the first.
 */
export function comparePeers(verifications: readonly PeerVerification[]): Finding[] {
  const common = Math.min(...verifications.map(({ blocks }) => blocks.length));
  const findings: Finding[] = [];
  const named = new Set<string>();
  for (let number = 0; number < common; number += 1) {
    const usual = mostFrequent(verifications.map(({ blocks }) => hashText(blocks[number])));
    for (const { peer, blocks } of verifications) {
      const hashes = blocks[number];
      if (hashes === undefined || hashText(hashes) === usual || named.has(peer)) continue;
      named.add(peer);
      findings.push({ peer, kind: 'block', where: `block ${number}`, detail: differenceOf(hashes, usual) });
    }
  }
  const highest = Math.max(...verifications.map(({ height }) => height));
  for (const { peer, height } of verifications) {
    if (height === highest) continue;
    findings.push({ peer, kind: 'block', where: `height ${height}`, detail: `another peer has ${highest} blocks` });
  }
  return findings;
}

/**
 * Makes a stopped peer's database again from its blocks. The old one is kept beside it as `state.replaced` until the
 * next rebuild. Private data, which no block holds, is taken over from it as far as it fits the blocks.
 *
 * @returns the peer's height
 * @throws StoreError when the ledger is running
 * @throws BlockCorruptError when a block it needs is damaged
 */
export async function rebuildPeer(options: PeerLedgerOptions): Promise<number> {
  const opened = await openState(options);
  await opened.database?.close();
  const state = stateDirectory(options.directory);
  const replaced = `${state}.replaced`;
  await rm(replaced, { recursive: true, force: true });
  await rename(state, replaced);
  const ledger = await openPeerLedger({ ...options, earlierState: replaced });
  const height = ledger.height();
  await ledger.close();
  return height;
}

/** A block that cannot be read is named by the walk itself. */
async function readable(blocks: FrameFiles, number: number): Promise<BlockParts | undefined> {
  try {
    const bytes = await blocks.read(number);
    return bytes === undefined ? undefined : parseBlock(bytes);
  } catch (error) {
    if (error instanceof BlockCorruptError || error instanceof RangeError) return undefined;
    throw error;
  }
}

interface OpenedState {
  readonly database?: StateDatabase;
  /** Undefined when the database does not tell. */
  readonly height?: number;
  readonly findings: Finding[];
}

async function openState({ mspId: peer, directory }: PeerFolder): Promise<OpenedState> {
  let database: StateDatabase;
  try {
    database = await StateDatabase.open(stateDirectory(directory), peer, { salvage: true });
  } catch (error) {
    if (!(error instanceof StateCorruptError)) throw error;
    return { findings: [{ peer, kind: 'state', where: stateDirectory(directory), detail: error.message }] };
  }
  try {
    const row = database.get(TIP_KEY);
    if (row !== undefined) return { database, height: decodeTip(row).height, findings: [] };
    return { database, findings: [{ peer, kind: 'index', where: 'height', detail: 'missing' }] };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { database, findings: [{ peer, kind: 'index', where: 'height', detail }] };
  }
}

async function damagedParts(peer: string, database: StateDatabase): Promise<Finding[]> {
  const parts = await database.damagedParts();
  return parts.map((detail) => ({ peer, kind: 'state', where: 'state files', detail }));
}

function behind(peer: string, blocks: number, database: number | undefined): Finding[] {
  if (database === undefined || database <= blocks) return [];
  const detail = `the database has seen ${database} blocks; the files hold ${blocks}`;
  return [{ peer, kind: 'block', where: `block ${blocks}`, detail }];
}

function hashText(hashes: BlockHashes | undefined): string {
  return hashes === undefined ? '' : `${hashes.headerHashHex} ${hashes.commitHashHex}`;
}

function differenceOf(hashes: BlockHashes, usual: string): string {
  return usual.startsWith(hashes.headerHashHex)
    ? 'same transactions, but other validation codes or writes than the other peers'
    : 'another block than the other peers have';
}

function mostFrequent(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== '') counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((left, right) => right[1] - left[1])[0]?.[0] ?? '';
}
