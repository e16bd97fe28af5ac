import { join } from 'node:path';

/** Where the parts of a Fabric network lie, all below `<dataDir>/fabric`. */
export function fabricFolder(dataDir: string): string {
  return join(dataDir, 'fabric');
}

/** Configuration and store of one peer or orderer; also its FABRIC_CFG_PATH. */
export function nodeDataFolder(dataDir: string, host: string): string {
  return join(fabricFolder(dataDir), 'nodes', host);
}

/** configtx.yaml and the first block of the channel. */
export function channelFolder(dataDir: string): string {
  return join(fabricFolder(dataDir), 'channel');
}

export function genesisBlockFile(dataDir: string): string {
  return join(channelFolder(dataDir), 'genesis.block');
}

/** What the channel was made with; see network-record.ts. */
export function networkRecordFile(dataDir: string): string {
  return join(fabricFolder(dataDir), 'network.json');
}

/** The external builder of one peer for chaincode as a service. */
export function builderFolder(dataDir: string, host: string): string {
  return join(nodeDataFolder(dataDir, host), 'builder');
}

/** What a peer keeps of what its external builders made. */
export function builtChaincodeFolder(dataDir: string, host: string): string {
  return join(nodeDataFolder(dataDir, host), 'store', 'externalbuilder', 'builds');
}

/** One line for each change of the channel's configuration; see channel-update.ts. */
export function configHistoryFile(dataDir: string): string {
  return join(fabricFolder(dataDir), 'config-history.jsonl');
}

/** Package files are named by their id's label; each organisation has its own, as the address is in it. */
export function packageFile(dataDir: string, host: string): string {
  return join(fabricFolder(dataDir), 'packages', `${host}.tar.gz`);
}
