import { join } from 'node:path';
import type { MspDefinition } from '../msp.js';
import type { PeerLedger } from '../peer-ledger.js';
import { FrameFiles } from '../store/frame-files.js';
import { StoreError } from '../store/ledger-errors.js';
import { DISK, type FileSystem } from '../store/file-system.js';
import { committedMetadata, encodeBlock, parseBlock } from './block-codec.js';
import { blockHeaderHash } from './block-hash.js';
import { DiskPeerLedger } from './disk-peer-ledger.js';
import type { EndorsementPolicy } from './endorsement-policy.js';
import { genesisBlock } from './genesis-block.js';
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
  /** Default: the disk. */
  readonly files?: FileSystem;
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
  const { mspId, files = DISK, onIncident = () => undefined } = options;
  const state = await HealingState.open({ files, directory: stateDirectory(options.directory), mspId, onIncident });
  try {
    const blocks = await FrameFiles.open({
      directory: blocksDirectory(options.directory),
      owner: mspId,
      fileSizeMaxBytes: BLOCK_FILE_MAX_BYTES,
      acknowledgedSequence: state.acknowledgedHeight,
      cutUnsoundTail: true,
    });
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

async function bringUp(
  { blocks, state }: { blocks: FrameFiles; state: HealingState },
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
