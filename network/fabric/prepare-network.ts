import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PUBLIC_FILE_MODE, replaceFile } from '../identities/durable-file.js';
import type { Topology } from '../topology.js';
import type { FabricBinaries } from './binaries.js';
import { ensureChaincodeBuilder } from './chaincode-builder.js';
import { CHANNEL_PROFILE, channelConfig } from './channel-config.js';
import { channelFolder, genesisBlockFile, nodeDataFolder } from './fabric-paths.js';
import { type PeerOrganisation, peerOrganisations } from './members.js';
import { requireSameNetwork } from './network-record.js';
import { ordererConfig } from './orderer-config.js';
import { peerConfig } from './peer-config.js';
import { runOrFail } from './run-command.js';

/** What a Fabric network is made from. */
export interface FabricPlace {
  readonly topology: Topology;
  /** Holds the certificates already. */
  readonly dataDir: string;
  readonly binaries: FabricBinaries;
  /** JSON with the private data collections of the chaincode, as Fabric's `peer` program reads it; none when absent. */
  readonly collectionsFile?: string;
}

/**
 * Writes all that the nodes read when they start: their configuration, the builder, and, the first time, the channel's
 * first block. Safe to run again; call it before any node runs.
 *
 * @throws FabricError FABRIC_DATA_UNUSABLE when the channel in the folder was made for other addresses
 */
export async function prepareNetwork(place: FabricPlace): Promise<void> {
  const { topology, dataDir } = place;
  requireSameNetwork(topology, dataDir);
  for (const organisation of peerOrganisations(topology)) preparePeer(dataDir, organisation);
  for (const orderer of topology.orderers) {
    writeConfig(join(nodeDataFolder(dataDir, orderer.host), 'orderer.yaml'), ordererConfig(orderer, dataDir));
  }
  if (!existsSync(genesisBlockFile(dataDir))) await makeGenesisBlock(place);
}

/** Writes what one peer reads when it starts. */
export function preparePeer(dataDir: string, organisation: PeerOrganisation): void {
  const builder = ensureChaincodeBuilder(dataDir, organisation);
  const folder = nodeDataFolder(dataDir, organisation.peer.host);
  writeConfig(join(folder, 'core.yaml'), peerConfig({ organisation, dataDir, builder }));
}

/** @see https://hyperledger-fabric.readthedocs.io/en/latest/commands/configtxgen.html */
async function makeGenesisBlock({ topology, dataDir, binaries }: FabricPlace): Promise<void> {
  const folder = channelFolder(dataDir);
  writeConfig(join(folder, 'configtx.yaml'), channelConfig(topology, dataDir));
  const made = `${genesisBlockFile(dataDir)}.tmp`;
  rmSync(made, { force: true });
  await runOrFail({
    program: binaries.configtxgen,
    args: ['-configPath', folder, '-profile', CHANNEL_PROFILE, '-channelID', topology.channel, '-outputBlock', made],
    env: {},
  });
  renameSync(made, genesisBlockFile(dataDir));
}

function writeConfig(path: string, content: object): void {
  const text = `${JSON.stringify(content, undefined, 2)}\n`;
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  replaceFile(path, text, PUBLIC_FILE_MODE);
}
