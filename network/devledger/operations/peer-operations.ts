import type { Logger } from 'pino';
import type { LedgerTopology } from '../../topology.js';
import { type ChannelPeers, peerOrganisations } from '../channel-peers.js';
import type { PeerNodes } from '../services/peer-nodes.js';
import { type OperationsServer, startOperationsServer } from './operations-server.js';

export interface PeerOperationsOptions {
  readonly topology: LedgerTopology;
  readonly listenHost: string;
  readonly log: Logger;
}

/** The operations ports of the peers of one process. */
export class PeerOperations {
  readonly #options: PeerOperationsOptions;
  readonly #parts: { readonly peers: ChannelPeers; readonly nodes: PeerNodes };
  readonly #servers = new Map<string, OperationsServer>();

  constructor(options: PeerOperationsOptions, parts: { readonly peers: ChannelPeers; readonly nodes: PeerNodes }) {
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
    const { setAside } = this.#parts.peers;
    const server = await startOperationsServer({
      host: this.#options.listenHost,
      port: organisation.peer.operationsPort,
      log,
      metrics,
      failure: () => setAside.get(mspId),
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
