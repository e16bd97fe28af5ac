import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  blocksDirectory,
  type PeerLedgerOptions,
  stateDirectory,
} from '../../network/devledger/commit/open-peer-ledger.js';
import { FrameFiles } from '../../network/devledger/store/frame-files.js';
import { BlockCorruptError, StoreError } from '../../network/devledger/store/ledger-errors.js';
import { type RebuiltPeer, rebuildPeer } from '../../network/devledger/store/rebuild-peer.js';
import { nodeStoreFolder, peerStateFolder } from '../../network/fabric/store/store-paths.js';
import type { LedgerTopology } from '../../network/topology.js';
import { REFILL, STARTS_OVER } from './advice.js';
import { CannotLook } from './cannot-look.js';
import { openLedgerFolder, peerLedgerOptions, whileStopped } from './ledger-folder.js';

/**
 * Makes a peer's state again from its own blocks, and keeps the old one beside it.
 *
 * @returns what was done, as a sentence
 * @throws CannotLook when a network is running, there is no such peer, or its blocks cannot be used either
 */
export async function rebuildPeerState(input: {
  dataDir: string;
  topology: LedgerTopology;
  mspId: string;
}): Promise<string> {
  const { dataDir, topology, mspId } = input;
  const folder = await openLedgerFolder(dataDir, topology);
  const peer = folder.peers.find((organisation) => organisation.mspId === mspId)?.peer;
  if (peer === undefined) throw new CannotLook(`${mspId} has no peer to rebuild.`);
  if (folder.ledger === 'fabric') return setFabricStateAside({ dataDir, mspId, host: peer.host });
  const options = peerLedgerOptions(folder, mspId);
  const { directory } = options;
  if (!existsSync(blocksDirectory(directory)))
    throw new CannotLook(`${mspId} has no blocks to rebuild from. ${REFILL(directory)}`);
  const rebuilt = await whileStopped(dataDir, async () => {
    await requireWholeBlocks(options);
    return rebuild(options);
  });
  const done = `${mspId}: state made again from ${rebuilt.height} blocks; the old one is ${stateDirectory(directory)}.replaced`;
  return rebuilt.takenBack === 0 ? done : `${done}; ${takenBack(rebuilt)}`;
}

function takenBack({ takenBack: count, keptIn }: RebuiltPeer): string {
  return `${count} blocks it had judged wrongly, or behind such a one, come again from the orderer at the next start; they are kept in ${keptIn}`;
}

/** Fabric makes by itself what of a state is missing, from its blocks, when the peer starts. */
async function setFabricStateAside(input: { dataDir: string; mspId: string; host: string }): Promise<string> {
  const { dataDir, mspId, host } = input;
  const state = peerStateFolder(dataDir, host);
  const replaced = join(nodeStoreFolder(dataDir, host), 'state.replaced');
  if (!existsSync(state)) throw new CannotLook(`${mspId} has no state to set aside. ${STARTS_OVER}`);
  await whileStopped(dataDir, async () => {
    await rm(replaced, { recursive: true, force: true });
    await rename(state, replaced);
  });
  return `${mspId}: the state was set aside as ${replaced}; the peer makes it again from its blocks when it starts`;
}

/**
 * Without a database nothing tells a damaged block from a write that never finished, and a ledger that opens cuts such
 * a write off with all that comes behind it. So every block is read before the database is taken away.
 */
async function requireWholeBlocks({ directory, mspId }: PeerLedgerOptions): Promise<void> {
  try {
    await FrameFiles.look({ directory: blocksDirectory(directory), owner: mspId }, async (blocks) => {
      for (let number = blocks.firstSequence; number < blocks.nextSequence; number += 1) await blocks.read(number);
    });
  } catch (error) {
    throw inWords(error, directory);
  }
}

async function rebuild(options: PeerLedgerOptions): Promise<RebuiltPeer> {
  try {
    return await rebuildPeer(options);
  } catch (error) {
    throw inWords(error, options.directory);
  }
}

function inWords(error: unknown, directory: string): unknown {
  if (error instanceof BlockCorruptError)
    return new CannotLook(`${error.message} ${REFILL(directory)}`, { cause: error });
  return error instanceof StoreError ? new CannotLook(error.message, { cause: error }) : error;
}
