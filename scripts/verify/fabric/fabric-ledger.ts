import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerStateFolder } from '../../../network/fabric/store/store-paths.js';
import { mspDefinitions } from '../../../network/identities/index.js';
import type { LedgerLook } from '../checked-peer.js';
import type { LedgerFolder } from '../ledger-folder.js';
import { checkFabricOrderers } from './check-fabric-orderers.js';
import { checkFabricPeer, type FabricPeer } from './check-fabric-peer.js';
import { copyFabricState } from './fabric-state.js';

/**
 * Copies the states of Fabric's peers, also of peers that run, and removes the copies behind the action. Block files
 * are only appended to, so they are read where they are; taken after the state, they hold at least what it has seen.
 */
export async function withFabricLedger<T>(
  folder: LedgerFolder,
  mspIds: readonly string[],
  action: (look: LedgerLook) => Promise<T>,
): Promise<T> {
  const temporary = await mkdtemp(join(tmpdir(), 'verify-ledger-'));
  try {
    const peers: FabricPeer[] = [];
    for (const mspId of mspIds) peers.push(await copyPeer(folder, mspId, join(temporary, mspId)));
    const msps = mspDefinitions(folder.dataDir, folder.topology, { includeOrderer: true });
    return await action({
      mspIds,
      checkPeer: (mspId) => checkFabricPeer(folder, msps, copyOf(peers, mspId)),
      checkOrderers: (verifications) => checkFabricOrderers(folder, msps, verifications),
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function copyPeer({ dataDir, peers }: LedgerFolder, mspId: string, temporary: string): Promise<FabricPeer> {
  const host = peers.find((organisation) => organisation.mspId === mspId)?.peer?.host;
  if (host === undefined) throw new Error(`invariant failed: ${mspId} has a peer`);
  const original = peerStateFolder(dataDir, host);
  if (!existsSync(original)) return { mspId, host, state: undefined };
  await mkdir(temporary);
  return { mspId, host, state: await copyFabricState(original, temporary) };
}

function copyOf(peers: readonly FabricPeer[], mspId: string): FabricPeer {
  const found = peers.find((peer) => peer.mspId === mspId);
  if (found === undefined) throw new Error(`invariant failed: ${mspId} was copied`);
  return found;
}
