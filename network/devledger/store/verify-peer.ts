import { blocksDirectory, stateDirectory } from '../commit/open-peer-ledger.js';
import { type BlockParts, parseBlock } from '../commit/block-codec.js';
import type { ChaincodeDefinition } from '../commit/chaincode-definition.js';
import type { ReadBlock } from '../commit/expired-keys.js';
import { type BlockRules, RulesByBlock } from '../commit/rules-by-block.js';
import type { BlockHashes, Finding, PeerVerification } from './finding.js';
import { FrameFiles } from './frame-files.js';
import { BlockCorruptError, StateCorruptError } from './ledger-errors.js';
import type { PeerFolder } from './read-peer.js';
import { ReplayedState } from './replayed-state.js';
import { TIP_KEY } from './row-keys.js';
import { StateDatabase } from './state-database.js';
import { decodeTip } from './tip.js';
import { walkBlocks } from './verify-blocks.js';
import { comparePrivate } from './verify-private.js';
import { compareState, IndexCheck } from './verify-state.js';

/** Rules of a channel on which chaincodes were deployed in the course of time. */
export interface LastingRules extends BlockRules {
  /** Definitions beside those of the rules, which count from some block on. */
  readonly definitionsAt?: (blockNumber: number) => readonly ChaincodeDefinition[];
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
  const rulesByBlock = rules && new RulesByBlock(rules, rules.definitionsAt);
  const index = opened.database && new IndexCheck(peer, opened.database);
  const walked = await walkBlocks({
    peer,
    blocks,
    state,
    readBlock,
    rules: rulesByBlock,
    applyBelow: opened.height ?? blocks.nextSequence,
    onBlock: (rows) => index?.check(rows),
  });
  const height = blocks.nextSequence;
  const { unreadable } = walked;
  const inBlocks = [...opened.findings, ...walked.findings, ...behind(peer, height, opened.height)];
  if (unreadable.length === 0) await index?.checkCounts();
  const members = rulesByBlock === undefined ? {} : { rules: rulesByBlock };
  const compared = await compareDatabase(peer, opened.database, { state, unreadable, ...members });
  const all = [...inBlocks, ...(index?.findings ?? []), ...compared.findings];
  // Where no row names the damage, the place in the file does.
  const findings = all.length === 0 && opened.database !== undefined ? await damagedParts(peer, opened.database) : all;
  const { stateRows, privateRows } = compared;
  return { peer, height, stateRows, privateRows, transactions: walked.transactions, findings, blocks: walked.hashes };
}

async function compareDatabase(
  peer: string,
  database: StateDatabase | undefined,
  replayed: Parameters<typeof comparePrivate>[2],
): Promise<Pick<PeerVerification, 'findings' | 'stateRows' | 'privateRows'>> {
  if (database === undefined) return { findings: [], stateRows: 0, privateRows: 0 };
  const state = await compareState(peer, database, replayed);
  const privately = await comparePrivate(peer, database, replayed);
  return { findings: [...state.findings, ...privately.findings], stateRows: state.rows, privateRows: privately.rows };
}

/**
 * Where peers differ in height, block hashes or commit hashes; the first block of each difference. What the blocks of a
 * peer were found to be by themselves counts first: one without findings is right against two with them. Among peers
 * alike in that, one in the minority is named, otherwise every peer that differs from the first.
 */
export function comparePeers(verifications: readonly PeerVerification[]): Finding[] {
  const common = Math.min(...verifications.map(({ blocks }) => blocks.length));
  const findings: Finding[] = [];
  const named = new Set<string>();
  const measure = soundOnes(verifications);
  for (let number = 0; number < common; number += 1) {
    const usual = mostFrequent(measure.map(({ blocks }) => hashText(blocks[number])));
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

/** Those whose blocks had nothing wrong by themselves; all where nobody's had. */
function soundOnes(verifications: readonly PeerVerification[]): readonly PeerVerification[] {
  const sound = verifications.filter((each) => !each.findings.some(({ kind }) => kind === 'block'));
  return sound.length === 0 ? verifications : sound;
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
