import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { Organisation } from '../../network/topology.js';
import type { GatewayConfig } from '../config.js';
import { organisationTlsFile, serviceIdentity } from '../identity/network-identities.js';
import { createLedgerChain, type LedgerChain } from '../ledger/chain.js';
import { openFabricLedger } from '../ledger/fabric-ledger.js';
import type { Ledger, LedgerIdentity } from '../ledger/ledger.js';
import type { PeerEndpoint } from '../ledger/ledger-connection.js';
import { createNonceSolver } from '../ledger/nonce-solver.js';

export interface GatewayChain {
  readonly ledger: Ledger;
  readonly chain: LedgerChain;
  /** The organisation's own service identity: custodian, projections, outbox. */
  readonly serviceIdentity: LedgerIdentity;
  close(): Promise<void>;
}

/** The ledger through this organisation's peer, or through its host's where it has none. */
export function openGatewayChain(config: GatewayConfig, logger: FastifyBaseLogger): GatewayChain {
  const { topology, organisation, dataDir, storeDir } = config;
  const host = topology.organisations.find(({ mspId }) => mspId === organisation.gateway.peerMspId);
  const [endpoint] = host === undefined ? [] : endpointsOf(host, dataDir);
  if (host === undefined || endpoint === undefined)
    throw new Error(`The topology gives ${organisation.mspId} no peer to go through.`);
  const ledger = openFabricLedger({
    endpoint,
    peerMspId: host.mspId,
    otherPeers: topology.organisations.flatMap((other) =>
      other.mspId === host.mspId ? [] : endpointsOf(other, dataDir),
    ),
    channel: topology.channel,
    chaincode: topology.chaincode.name,
    policy: {
      mspIds: topology.organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId),
      needed: topology.endorsementsNeeded,
    },
    outboxFile: join(storeDir, 'outbox.sqlite'),
    onPeerAttacked: (report) => logger.error({ report }, 'a peer answers that its copy of the chain was changed'),
  });
  const solver = createNonceSolver({ threads: config.solverThreads });
  return {
    ledger,
    chain: createLedgerChain({ ledger, solver }),
    serviceIdentity: serviceIdentity(dataDir, organisation.domain),
    async close() {
      await solver.close();
      await ledger.close();
    },
  };
}

/** None for an organisation without a peer. */
function endpointsOf({ domain, peer }: Organisation, dataDir: string): readonly PeerEndpoint[] {
  if (peer === undefined) return [];
  const { host: hostName, port } = peer;
  return [{ address: `127.0.0.1:${port}`, hostName, tlsRootFile: organisationTlsFile(dataDir, domain) }];
}
