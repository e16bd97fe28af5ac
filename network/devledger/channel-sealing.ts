import { join } from 'node:path';
import { ordererDefinition, readOrdererIdentity } from '../identities/index.js';
import { type LedgerTopology, ordererDomainOf, ordererHosts } from '../topology.js';
import { blocksOfPeers } from './channel-peers.js';
import type { BlocksPlace } from './commit/block-donors.js';
import { ChannelOrdering, storedTerms } from './commit/channel-ordering.js';
import type { OrderingTerms } from './commit/ordering-section.js';
import type { BlockSealing } from './orderer/seal-block.js';
import { serialiseIdentity } from './services/peer-nodes.js';
import { DISK } from './store/file-system.js';

interface LedgerPlace {
  readonly topology: LedgerTopology;
  readonly dataDir: string;
}

/** Where clients look for an orderer whose port was not known when the channel was made; Fabric's own default. */
const ORDERER_PORT = 7050;

export function ordererDirectory(dataDir: string): string {
  return join(dataDir, 'ledger', 'orderer');
}

export function ordererBlocks(dataDir: string): BlocksPlace {
  return { owner: 'orderer', directory: join(ordererDirectory(dataDir), 'blocks') };
}

/**
 * Who signs the blocks of the ledger in a data folder, also of one that is made only now.
 *
 * @returns undefined where block 0 names no ordering service: such a ledger goes on without signatures
 */
export async function readOrdering({ topology, dataDir }: LedgerPlace): Promise<ChannelOrdering | undefined> {
  const places = [ordererBlocks(dataDir), ...blocksOfPeers({ topology, dataDir })];
  const stored = await storedTerms(places, DISK);
  if (stored === 'unsigned') return undefined;
  return new ChannelOrdering({ msp: ordererDefinition(dataDir, topology), terms: stored ?? firstTerms(topology) });
}

/** The same, with the key to sign with. */
export async function openSealing(place: LedgerPlace): Promise<BlockSealing | undefined> {
  const ordering = await readOrdering(place);
  if (ordering === undefined) return undefined;
  const { topology, dataDir } = place;
  const [host] = ordererHosts(topology);
  const { mspId, certificatePem, privateKey } = readOrdererIdentity(dataDir, ordererDomainOf(topology), host);
  return { ordering, identity: { serialized: serialiseIdentity(mspId, certificatePem), privateKey } };
}

function firstTerms(topology: LedgerTopology): OrderingTerms {
  const { timeoutMs, maxMessageCount, preferredMaxBytes } = topology.batch;
  const [host] = ordererHosts(topology);
  const port = topology.orderers[0]?.port ?? 0;
  return { endpoints: [`${host}:${port === 0 ? ORDERER_PORT : port}`], timeoutMs, maxMessageCount, preferredMaxBytes };
}
