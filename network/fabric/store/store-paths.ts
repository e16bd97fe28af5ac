import { join } from 'node:path';
import { nodeDataFolder } from '../fabric-paths.js';

/** All that a peer or orderer keeps; the rest of its folder is configuration. */
export function nodeStoreFolder(dataDir: string, host: string): string {
  return join(nodeDataFolder(dataDir, host), 'store');
}

export function peerBlocksFolder(dataDir: string, host: string, channel: string): string {
  return join(nodeStoreFolder(dataDir, host), 'ledgersData', 'chains', 'chains', channel);
}

/** LevelDB of the world state. */
export function peerStateFolder(dataDir: string, host: string): string {
  return join(nodeStoreFolder(dataDir, host), 'ledgersData', 'stateLeveldb');
}

export function ordererBlocksFolder(dataDir: string, host: string, channel: string): string {
  return join(nodeStoreFolder(dataDir, host), 'ledger', 'chains', channel);
}
