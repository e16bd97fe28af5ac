import type { Logger } from 'pino';
import type { LedgerTopology } from '../../topology.js';
import { type ChannelPeers, peerOrganisations } from '../channel-peers.js';
import type { BlockDelivery } from '../commit/deliver-blocks.js';
import type { Orderer } from '../orderer/open-orderer.js';
import type { PeerNodes } from '../services/peer-nodes.js';
import { type FailedCheck, type OperationsServer, startOperationsServer } from './operations-server.js';

export interface PeerOperationsOptions {
  readonly topology: LedgerTopology;
  readonly listenHost: string;
  readonly log: Logger;
}

export interface OperatedParts {
  readonly peers: ChannelPeers;
  readonly nodes: PeerNodes;
  readonly orderer: Pick<Orderer, 'trouble'>;
  readonly delivery: Pick<BlockDelivery, 'waiting'>;
}

/** The operations ports of the peers of one process. */
export class PeerOperations {
  readonly #options: PeerOperationsOptions;
  readonly #parts: OperatedParts;
  readonly #servers = new Map<string, OperationsServer>();

  constructor(options: PeerOperationsOptions, parts: OperatedParts) {
    this.#options = options;
    this.#parts = parts;
  }

  async startAll(): Promise<void> {
    for (const { mspId } of peerOrganisations(this.#options.topology)) {
      if (this.#parts.peers.ledger(mspId) !== undefined) await this.start(mspId);
    }
  }

  /** @throws Error its port is taken */
  async start(mspId: string): Promise<void> {
    const organisation = peerOrganisations(this.#options.topology).find((candidate) => candidate.mspId === mspId);
    const metrics = this.#parts.peers.metrics(mspId);
    const log = this.#parts.nodes.logOf(mspId);
    if (organisation === undefined || metrics === undefined || log === undefined) return;
    const server = await startOperationsServer({
      host: this.#options.listenHost,
      port: organisation.peer.operationsPort,
      log,
      metrics,
      failures: () => failuresOf(mspId, this.#parts),
    });
    this.#servers.set(mspId, server);
  }

  async peerStopped(mspId: string): Promise<void> {
    await this.#servers.get(mspId)?.stop();
    this.#servers.delete(mspId);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.stop()));
    this.#servers.clear();
  }
}

/** Its own ledger first; nothing is ordered for anybody where the orderer's disk is full, failing or busy. */
export function failuresOf(
  mspId: string,
  {
    peers,
    orderer,
    delivery,
  }: { readonly peers: Pick<ChannelPeers, 'setAside'> } & Omit<OperatedParts, 'peers' | 'nodes'>,
): readonly FailedCheck[] {
  const own = peers.setAside.get(mspId) ?? delivery.waiting.get(mspId);
  const ordering = orderer.trouble();
  return [
    ...(own === undefined ? [] : [{ component: 'ledger', reason: own } as const]),
    ...(ordering === undefined ? [] : [{ component: 'orderer', reason: ordering } as const]),
  ];
}
