import { join } from 'node:path';
import type { MspDefinition } from '../msp.js';
import type { PeerLedger } from '../peer-ledger.js';
import { FrameFiles } from '../store/frame-files.js';
import { keepAside } from '../store/keep-aside.js';
import { BlockCorruptError, StoreError } from '../store/ledger-errors.js';
import { heightMarkPath } from '../store/state-store.js';
import { DISK, type FileSystem } from '../store/file-system.js';
import { committedMetadata, encodeBlock, parseBlock } from './block-codec.js';
import { type BlocksPlace, giveOnce } from './block-donors.js';
import { blockHeaderHash } from './block-hash.js';
import { DiskPeerLedger } from './disk-peer-ledger.js';
import type { EndorsementPolicy } from './endorsement-policy.js';
import { genesisBlock } from './genesis-block.js';
import { HealingBlocks } from './healing-blocks.js';
import { HealingState } from './healing-state.js';
import type { SignatureCache } from './signature-cache.js';

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
  /** Names of the chaincodes defined on the channel. */
  readonly chaincodes: readonly string[];
  /** Told in a sentence what was found damaged and what was done about it. */
  readonly onIncident?: (sentence: string) => void;
  /** Where other peers keep their blocks, of which copies are taken; default none. */
  readonly otherPeers?: readonly BlocksPlace[];
  /** Whether the peer begins at block 0 again when its blocks cannot be healed: there is an orderer to fill it. */
  readonly mayStartOver?: boolean;
  /** Default: the disk. */
  readonly files?: FileSystem;
}

const BLOCKS = 'blocks';
const STATE = 'state';
/** 64 MiB: large enough for few files, small enough to copy one by itself. */
export const BLOCK_FILE_MAX_BYTES = 64 * 1024 * 1024;

export function blocksDirectory(peerDirectory: string): string {
  return join(peerDirectory, BLOCKS);
}

export function stateDirectory(peerDirectory: string): string {
  return join(peerDirectory, STATE);
}

/**
 * Opens one peer's copy of the channel. Blocks the database has not seen are replayed, so a database that was deleted
 * is rebuilt; a write cut short by a crash is taken off. What is damaged is kept aside and healed: the state from the
 * blocks, a block from another peer.
 *
 * @throws StoreError when the folder is in use, belongs to another channel, or was damaged too often
 * @throws BlockCorruptError when a block is lost that no other peer has, and the peer may not be filled anew
 */
export async function openPeerLedger(options: PeerLedgerOptions): Promise<PeerLedger> {
  const settings = { files: DISK, onIncident: () => undefined, otherPeers: [], ...options };
  try {
    return await openStores(settings);
  } catch (error) {
    if (!(error instanceof BlockCorruptError) || settings.mayStartOver !== true) throw error;
    const aside = await keepAside(settings.files, settings.directory, [BLOCKS, STATE, heightMarkPath(STATE)]);
    settings.onIncident(`${error.message} The peer is filled anew from the orderer; what it had is in ${aside}.`);
    return openStores(settings);
  }
}

type Settings = PeerLedgerOptions & Required<Pick<PeerLedgerOptions, 'files' | 'onIncident' | 'otherPeers'>>;

async function openStores(options: Settings): Promise<PeerLedger> {
  const { mspId, files, onIncident } = options;
  // The database is opened first: its lock keeps a second process away from the block files too.
  const state = await HealingState.open({ files, directory: stateDirectory(options.directory), mspId, onIncident });
  try {
    const blocks = await openBlocks(options, state.acknowledgedHeight);
    try {
      await bringUp({ blocks, state }, options);
      return new DiskPeerLedger(options, { blocks, state });
    } catch (error) {
      await blocks.close();
      throw error;
    }
  } catch (error) {
    await state.close();
    throw error;
  }
}

async function openBlocks(options: Settings, acknowledgedSequence: number): Promise<HealingBlocks> {
  const { files, mspId, onIncident, otherPeers } = options;
  const genesisHash = blockHeaderHash(parseBlock(genesisBlock(options)));
  const donors = { files, places: otherPeers, form: 'committed', genesisHash } as const;
  const opened = await FrameFiles.open({
    directory: blocksDirectory(options.directory),
    owner: mspId,
    fileSizeMaxBytes: BLOCK_FILE_MAX_BYTES,
    acknowledgedSequence,
    cutUnsoundTail: true,
    files,
    donate: (lost, own) => giveOnce(donors, lost, own),
  });
  return new HealingBlocks(opened, { donors, onIncident });
}

async function bringUp(
  { blocks, state }: { blocks: HealingBlocks; state: HealingState },
  options: PeerLedgerOptions,
): Promise<void> {
  const genesis = parseBlock(genesisBlock(options));
  if (blocks.nextSequence === 0) {
    const found = { codes: Uint8Array.of(0), commitHash: new Uint8Array() };
    await blocks.append(encodeBlock({ ...genesis, metadata: committedMetadata(genesis.metadata, found) }));
  }
  await state.bringUp(blocks);
  const genesisNumber = await state.read(async (store) => store.blockNumberByHash(blockHeaderHash(genesis)));
  if (genesisNumber === 0) return;
  throw new StoreError(
    `${options.directory} holds another network's ledger: its block 0 does not name these organisations and ` +
      'certificates. Use another data folder, or bring back the certificates it was made with.',
  );
}
