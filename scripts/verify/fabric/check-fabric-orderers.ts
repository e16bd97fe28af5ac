import { existsSync, readdirSync } from 'node:fs';
import { MspRegistry } from '../../../network/devledger/msp.js';
import type { PeerVerification } from '../../../network/devledger/store/finding.js';
import { fabricFolder } from '../../../network/fabric/fabric-paths.js';
import { FabricBlockFiles } from '../../../network/fabric/store/block-files.js';
import { nodeStoreFolder, ordererBlocksFolder } from '../../../network/fabric/store/store-paths.js';
import { join } from 'node:path';
import { CATCH_UP, REFILL_FABRIC_ORDERER } from '../advice.js';
import { CheckLog, type CheckResult } from '../finding.js';
import type { LedgerFolder } from '../ledger-folder.js';
import type { ChannelMsps } from './check-fabric-peer.js';
import { membersFault } from './channel-members.js';
import { walkFabricBlocks } from './walk-fabric-blocks.js';

/** The blocks of every orderer in the folder: each must be whole, signed, and the one that the peers have. */
export async function checkFabricOrderers(
  folder: LedgerFolder,
  msps: ChannelMsps,
  peers: readonly PeerVerification[],
): Promise<readonly CheckResult[]> {
  const hosts = ordererHosts(folder);
  if (hosts.length > 0) return Promise.all(hosts.map((host) => checkOrderer({ folder, msps, peers }, host)));
  const log = new CheckLog('orderer', 'orderers', CATCH_UP);
  log.found(join(fabricFolder(folder.dataDir), 'nodes'), 'no orderer has blocks of the channel');
  return [log.result];
}

/** Whoever keeps blocks as an orderer does: their number is the consortium's affair. */
function ordererHosts({ dataDir, topology }: LedgerFolder): readonly string[] {
  const expected = topology.orderers.map(({ host }) => host);
  const hosts = readdirSync(join(fabricFolder(dataDir), 'nodes'));
  return hosts
    .filter((host) => expected.includes(host) || existsSync(ordererBlocksFolder(dataDir, host, topology.channel)))
    .sort();
}

async function checkOrderer(
  about: { readonly folder: LedgerFolder; readonly msps: ChannelMsps; readonly peers: readonly PeerVerification[] },
  host: string,
): Promise<CheckResult> {
  const { folder, msps, peers } = about;
  const next = REFILL_FABRIC_ORDERER(nodeStoreFolder(folder.dataDir, host));
  const log = new CheckLog('orderer', host, next);
  const directory = ordererBlocksFolder(folder.dataDir, host, folder.topology.channel);
  if (!existsSync(directory)) {
    log.found(directory, 'the orderer has no blocks');
    return log.result;
  }
  const files = FabricBlockFiles.inspect({ directory, owner: host });
  const walked = await walkFabricBlocks({
    files,
    msps: new MspRegistry(msps),
    membersFault: (block) => membersFault(block, msps),
  });
  for (const { where, detail } of walked.faults) log.found(where, detail);
  for (const [number, hashes] of walked.hashes.entries()) {
    const known = peers.flatMap(({ blocks }) => blocks[number]?.headerHashHex ?? []);
    if (hashes !== undefined && known.length > 0 && !known.includes(hashes.headerHashHex))
      log.found(`block ${number}`, 'the peers have another block in its place');
  }
  log.count('blocks', files.nextSequence);
  const highest = Math.max(0, ...peers.map(({ height }) => height));
  if (files.nextSequence < highest)
    log.found(`height ${files.nextSequence}`, `a peer has ${highest} blocks`, CATCH_UP_ORDERER);
  return log.result;
}

const CATCH_UP_ORDERER = 'Start the network: an orderer that is behind is brought the blocks it lacks by the others.';
