import { join } from 'node:path';
import type { MspDefinition } from '../msp.js';
import type { PeerLedger } from '../peer-ledger.js';
import { FrameFiles } from '../store/frame-files.js';
import { BlockCorruptError, StoreError } from '../store/ledger-errors.js';
import { StateStore } from '../store/state-store.js';
import { committedMetadata, encodeBlock, parseBlock } from './block-codec.js';
import { blockHeaderHash } from './block-hash.js';
import { PrivateKeeper } from '../private-data/private-keeper.js';
import { validTransactions } from '../private-data/missing-set.js';
import { DiskPeerLedger, type LedgerStores } from './disk-peer-ledger.js';
import type { ChaincodeDefinition } from './chaincode-definition.js';
import type { ChannelRules } from './channel-rules.js';
import type { EndorsementPolicy } from './endorsement-policy.js';
import { genesisBlock } from './genesis-block.js';
import { chainFault, commitFault, EMPTY_TIP, rowsOfCommittedBlock } from './replay-block.js';
import type { SignatureCache } from './signature-cache.js';
import { RulesByBlock } from './rules-by-block.js';

export interface PeerLedgerOptions {
  readonly mspId: string;
  /** The peer's own folder; made when it is not there. */
  readonly directory: string;
  readonly channel: string;
  readonly policy: EndorsementPolicy;
  /** All members of the channel, in the same order for every peer and the orderer. */
  readonly msps: readonly MspDefinition[];
  /** May be the same for all peers of the process. */
  readonly signatureCache: SignatureCache;
  /** Names of chaincodes that have the channel's policy and no collections. */
  readonly chaincodes: readonly string[];
  /** Chaincodes with a definition of their own. */
  readonly definitions?: readonly ChaincodeDefinition[];
  /** Further definitions, which count from some block on; asked with the number of each block that is judged. */
  readonly definitionsAt?: (blockNumber: number) => readonly ChaincodeDefinition[];
}

/** 64 MiB: large enough for few files, small enough to copy one by itself. */
export const BLOCK_FILE_MAX_BYTES = 64 * 1024 * 1024;

export function blocksDirectory(peerDirectory: string): string {
  return join(peerDirectory, 'blocks');
}

export function stateDirectory(peerDirectory: string): string {
  return join(peerDirectory, 'state');
}

/**
 * Opens one peer's copy of the channel. Blocks the database has not seen are replayed, so a database that was deleted
 * is rebuilt; a write cut short by a crash is taken off.
 *
 * @throws StoreError when the folder is in use, belongs to another channel, or the database cannot be opened
 * @throws StateCorruptError, BlockCorruptError when something acknowledged is no longer there
 */
export async function openPeerLedger(options: PeerLedgerOptions): Promise<PeerLedger> {
  // The database is opened first: its lock keeps a second process away from the block files too.
  const state = await StateStore.open(stateDirectory(options.directory), options.mspId);
  try {
    const blocks = await FrameFiles.open({
      directory: blocksDirectory(options.directory),
      owner: options.mspId,
      fileSizeMaxBytes: BLOCK_FILE_MAX_BYTES,
      acknowledgedSequence: state.tip?.height ?? 0,
      cutUnsoundTail: true,
    });
    try {
      const rules = new RulesByBlock({ ...options, signatures: options.signatureCache }, options.definitionsAt);
      const rulesAt = (blockNumber?: number) => rules.at(blockNumber).channel;
      const keeper = await PrivateKeeper.open({ mspId: options.mspId, store: state, rulesAt });
      await bringUp({ blocks, state, keeper }, options, rules);
      return new DiskPeerLedger(options, { blocks, state, keeper });
    } catch (error) {
      await blocks.close();
      throw error;
    }
  } catch (error) {
    await state.close();
    throw error;
  }
}

async function bringUp(stores: LedgerStores, options: PeerLedgerOptions, rules: RulesByBlock): Promise<void> {
  const { blocks, state } = stores;
  const genesis = parseBlock(genesisBlock(options));
  if (blocks.nextSequence === 0) {
    const found = { codes: Uint8Array.of(0), commitHash: new Uint8Array() };
    await blocks.append(encodeBlock({ ...genesis, metadata: committedMetadata(genesis.metadata, found) }));
  }
  for (let number = state.tip?.height ?? 0; number < blocks.nextSequence; number += 1) {
    await replay(stores, number, { mspId: options.mspId, rules: rules.at(number).channel });
  }
  if (state.blockNumberByHash(blockHeaderHash(genesis)) === 0) return;
  throw new StoreError(
    `${options.directory} holds another network's ledger: its block 0 does not name these organisations and ` +
      'certificates. Use another data folder, or bring back the certificates it was made with.',
  );
}

async function replay(
  { blocks, state, keeper }: LedgerStores,
  number: number,
  { mspId, rules }: { readonly mspId: string; readonly rules: ChannelRules },
): Promise<void> {
  const bytes = await blocks.read(number);
  const place = blocks.place(number);
  if (bytes === undefined || place === undefined) throw new StoreError(`Block ${number} of ${mspId} is not there.`);
  const tip = state.tip ?? EMPTY_TIP;
  const block = parseBlock(bytes);
  const snapshot = state.snapshot();
  const readBlock = async (earlier: number) => {
    const found = await blocks.read(earlier);
    return found && parseBlock(found);
  };
  const rows = await rowsOfCommittedBlock(block, { tip, state: snapshot, readBlock, rules });
  await snapshot.close();
  const fault = chainFault(block, tip) ?? commitFault(block, rows);
  if (fault !== undefined) throw new BlockCorruptError({ ...place, peer: mspId, blockNumber: number }, fault);
  // What the peer was given before the block is still there when it was cut off while it committed; what is not is
  // noted, and asked for again.
  const privateRows = await keeper.rowsOfBlock(number, validTransactions(block));
  await state.apply({ ...rows, privateRows });
}
