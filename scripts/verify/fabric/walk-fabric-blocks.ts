import { peer } from '@hyperledger/fabric-protos';
import { type BlockParts, storedCommitHash, validationCodes } from '../../../network/devledger/commit/block-codec.js';
import { blockHeaderHash } from '../../../network/devledger/commit/block-hash.js';
import { parseEnvelope } from '../../../network/devledger/commit/envelope.js';
import { chainFault, EMPTY_TIP, sameBytes } from '../../../network/devledger/commit/replay-block.js';
import type { MspRegistry } from '../../../network/devledger/msp.js';
import type { BlockHashes } from '../../../network/devledger/store/finding.js';
import { BlockCorruptError } from '../../../network/devledger/store/ledger-errors.js';
import { ReplayedState } from '../../../network/devledger/store/replayed-state.js';
import type { LedgerTip } from '../../../network/devledger/store/tip.js';
import type { FabricBlockFiles } from '../../../network/fabric/store/block-files.js';
import { fabricCommitHash, writesOfBlock } from './block-effects.js';
import { configDataOf } from './config-transaction.js';
import { type FabricRules, judgeBlock } from './judge-block.js';
import { type OrderingService, signatureFault } from '../../../network/devledger/commit/orderer-signatures.js';
import { orderingServiceOf } from './ordering-service.js';

export interface FabricBlockWalk {
  readonly files: FabricBlockFiles;
  readonly msps: MspRegistry;
  /** How a block of configuration names other organisations than it should. */
  readonly membersFault: (block: BlockParts) => string | undefined;
  /** Of a peer; an orderer concludes nothing about transactions. */
  readonly judged?: {
    readonly rules: FabricRules;
    /** How many blocks the peer's state has seen; there may be more by now. */
    readonly stateHeight: number;
    /** Told of the state as it should be at that height, before any further block changes it. */
    readonly onState: (replayed: ReplayedBlocks) => void;
  };
}

/** What blocks have written so far. */
export interface ReplayedBlocks {
  readonly state: ReplayedState;
  /** Numbers of blocks that could not be read: what they wrote is not known. */
  readonly unreadable: readonly number[];
}

export interface FabricBlockWalkResult {
  readonly faults: readonly { readonly where: string; readonly detail: string }[];
  readonly hashes: readonly (BlockHashes | undefined)[];
  readonly transactions: number;
}

/**
 * Reads every block of one of Fabric's nodes: chain of headers, transactions against their hash, the orderers'
 * signatures, and of a peer every transaction, the validation codes and the commit hash.
 */
export async function walkFabricBlocks(walk: FabricBlockWalk): Promise<FabricBlockWalkResult> {
  const { files, judged } = walk;
  const faults: { where: string; detail: string }[] = [];
  const hashes: (BlockHashes | undefined)[] = Array.from({ length: files.firstSequence }, () => undefined);
  const unreadable: number[] = [];
  const before: Before = { tip: EMPTY_TIP, service: undefined, state: new ReplayedState(), txIds: new Set() };
  // A peer that was filled from a snapshot has no first blocks; what is behind them cannot be replayed.
  if (files.firstSequence > 0) {
    faults.push({ where: 'block 0', detail: `its blocks begin with ${files.firstSequence}` });
    unreadable.push(files.firstSequence - 1);
    before.tip = undefined;
  }
  for (let number = files.firstSequence; number < files.nextSequence; number += 1) {
    if (number === judged?.stateHeight) judged.onState({ state: before.state, unreadable });
    const place = files.place(number);
    const where = `block ${number}, ${place?.file} from byte ${place?.offsetBytes}`;
    const block = await readBlock(files, number);
    hashes.push(block && hashesOf(block));
    if (block === undefined) {
      faults.push({ where, detail: 'it cannot be read: its bytes are no block' });
      unreadable.push(number);
      before.tip = undefined;
    } else {
      const found = await checkBlock(block, walk, { ...before, isComplete: unreadable.length === 0 });
      faults.push(...found.map((detail) => ({ where, detail })));
      applyBlock(block, walk, before);
    }
  }
  const isStateAhead = judged !== undefined && judged.stateHeight >= files.nextSequence;
  if (isStateAhead) judged.onState({ state: before.state, unreadable });
  return { faults, hashes, transactions: before.txIds.size };
}

interface Before {
  /** Undefined behind a block that could not be read. */
  tip: LedgerTip | undefined;
  service: OrderingService | undefined;
  readonly state: ReplayedState;
  readonly txIds: Set<string>;
}

async function checkBlock(
  block: BlockParts,
  { msps, judged, membersFault }: FabricBlockWalk,
  before: Before & { readonly isComplete: boolean },
): Promise<readonly string[]> {
  const { tip, service } = before;
  const known = tip ?? { ...EMPTY_TIP, height: block.number, headerHash: block.previousHash };
  const faults = [
    chainFault(block, known),
    block.number === 0 || service === undefined ? undefined : signatureFault(block, service, msps),
    membersFault(block),
    ...(judged === undefined ? [] : commitFaults(block, tip)),
    ...(judged !== undefined && before.isComplete ? await wrongCodes(block, judged.rules, before) : []),
  ];
  return faults.filter((fault) => fault !== undefined);
}

function commitFaults(block: BlockParts, tip: LedgerTip | undefined): readonly string[] {
  const codes = validationCodes(block);
  if (codes.length !== block.envelopes.length)
    return [`it has ${codes.length} validation codes for ${block.envelopes.length} transactions`];
  if (block.number === 0 || tip === undefined) return [];
  const expected = fabricCommitHash(codes, writesOfBlock(block), tip.commitHash);
  return sameBytes(storedCommitHash(block), expected)
    ? []
    : ['its commit hash does not match its validation codes and writes'];
}

async function wrongCodes(block: BlockParts, rules: FabricRules, before: Before): Promise<readonly string[]> {
  if (block.number === 0) return [];
  const codes = validationCodes(block);
  const verdicts = await judgeBlock(block, rules, before);
  return verdicts.flatMap((isValid, txNumber) => {
    const isStoredValid = codes[txNumber] === VALID;
    if (isValid === undefined || isValid === isStoredValid) return [];
    const whatItIs = isValid ? 'valid' : 'not valid';
    return [`transaction ${txNumber} is stored with validation code ${codes[txNumber]}, but it is ${whatItIs}`];
  });
}

const { VALID } = peer.TxValidationCode;

/** Goes on from what the block says of itself, so that one fault is named once and not for every block behind it. */
function applyBlock(block: BlockParts, { judged }: FabricBlockWalk, before: Before): void {
  const { number, previousHash, envelopes } = block;
  const headerHash = blockHeaderHash(block);
  before.tip = { height: number + 1, headerHash, previousHash, commitHash: storedCommitHash(block) };
  for (const bytes of envelopes) {
    const config = configDataOf(bytes);
    if (config !== undefined) before.service = orderingServiceOf(config) ?? before.service;
    const envelope = parseEnvelope(bytes);
    if (config === undefined && !('rejected' in envelope)) before.txIds.add(envelope.txId);
  }
  if (judged !== undefined) before.state.apply(writesOfBlock(block));
}

/** @returns undefined when its bytes, or the hashes in its metadata, are none */
async function readBlock(files: FabricBlockFiles, number: number): Promise<BlockParts | undefined> {
  try {
    const block = await files.read(number);
    if (block !== undefined) storedCommitHash(block);
    return block;
  } catch (error) {
    if (error instanceof BlockCorruptError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function hashesOf(block: BlockParts): BlockHashes {
  return {
    headerHashHex: blockHeaderHash(block).toString('hex'),
    commitHashHex: Buffer.from(storedCommitHash(block)).toString('hex'),
  };
}
