import { rebuildPeerState } from '../verify/rebuild-peer-state.js';
import type { NetworkContext, PlainContext } from './network-context.js';

/**
 * Makes the state of one peer of the embedded ledger again from its blocks. The ledger is stopped.
 *
 * @returns what was done, as a sentence
 * @throws CannotLook when the network runs, or there is no such peer, or its blocks are damaged
 */
export function rebuildPeer(context: NetworkContext | PlainContext, mspId: string): Promise<string> {
  const { dataDir, topology } = context;
  if ('ledger' in context && context.ledger === 'fabric') {
    throw new Error('Real Fabric rebuilds a peer by itself: stop it and run `peer node rebuild-dbs`.');
  }
  return rebuildPeerState({ dataDir, topology, mspId });
}
