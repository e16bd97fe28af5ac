import type { Vault } from './vault.js';
import type { VaultPeer } from './vault-network.js';

/** A vault that is a node among those of the other organisations. */
export interface VaultNode extends Vault {
  /** Multiaddrs that the others reach this node at, each ending in its id. */
  addresses(): Promise<readonly string[]> | readonly string[];

  /** Replaces the list of the other nodes. */
  setPeers(peers: readonly VaultPeer[]): void;
}
