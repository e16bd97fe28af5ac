import type { Logger } from 'pino';
import { mspDefinitions, ORDERER_MSP_ID, readTls } from '../identities/index.js';
import { type LedgerTopology, ordererDomainOf } from '../topology.js';
import { blocksOfPeers, endorsingMspIds, peerOrganisations } from './channel-peers.js';
import { openSealing, ordererDirectory } from './channel-sealing.js';
import type { ChannelOrdering } from './commit/channel-ordering.js';
import { genesisBlock } from './commit/genesis-block.js';
import type { SignatureCache } from './commit/signature-cache.js';
import { type MspDefinition, MspRegistry } from './msp.js';
import { type OperationsServer, startOperationsServer } from './operations/operations-server.js';
import { OrdererMetrics } from './operations/orderer-metrics.js';
import { openOrderer, type Orderer } from './orderer/open-orderer.js';
import { type OrdererServer, startOrdererServer } from './orderer/orderer-server.js';
import { AccessPolicy } from './services/access-policy.js';
import type { TransactionOrderer } from './services/submit.js';

export interface ChannelOrdererOptions {
  readonly topology: LedgerTopology;
  readonly dataDir: string;
  readonly listenHost: string;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** Whether what it does is counted, and told at its operations port. */
  readonly operations: boolean;
  /** Of the channel's members. */
  readonly msps: readonly MspDefinition[];
}

/** Where clients reach the orderer themselves. */
export interface OrdererEndpoint {
  /** Name in the TLS certificate. */
  readonly host: string;
  /** host:port to connect to. */
  readonly address: string;
  readonly port: number;
}

interface OpenedParts {
  readonly orderer: Orderer;
  readonly ordering: ChannelOrdering | undefined;
  readonly metrics: OrdererMetrics | undefined;
  readonly log: Logger;
  readonly failure: Failure;
}

/** Why the orderer writes no more, once it does not. */
interface Failure {
  reason?: string;
  tell?: (reason: string) => void;
}

/** The orderer of the channel: its blocks, its port and its operations port. */
export class ChannelOrderer {
  readonly orderer: Orderer;
  /** Undefined for a ledger whose blocks are not signed. */
  readonly ordering: ChannelOrdering | undefined;
  readonly #options: ChannelOrdererOptions;
  readonly #parts: OpenedParts;
  /** Those of the members and of the ordering organisation itself, which may read blocks. */
  readonly #readers: MspRegistry;
  #server: OrdererServer | undefined;
  #operations: OperationsServer | undefined;

  private constructor(options: ChannelOrdererOptions, parts: OpenedParts) {
    this.orderer = parts.orderer;
    this.ordering = parts.ordering;
    this.#options = options;
    this.#parts = parts;
    const definitions = hasPort(options)
      ? mspDefinitions(options.dataDir, options.topology, { includeOrderer: true })
      : [];
    this.#readers = new MspRegistry(definitions);
  }

  /** @throws StoreError its folder cannot be opened */
  static async open(options: ChannelOrdererOptions): Promise<ChannelOrderer> {
    const { topology, dataDir, msps } = options;
    const log = options.log.child({ orderer: true });
    const sealing = await openSealing(options);
    const metrics = options.operations ? new OrdererMetrics(topology.channel) : undefined;
    const failure: Failure = {};
    const policy = { endorsers: endorsingMspIds(topology), needed: topology.endorsementsNeeded };
    const orderer = await openOrderer({
      directory: ordererDirectory(dataDir),
      peers: blocksOfPeers(options),
      onIncident: (sentence) => log.warn(sentence),
      batch: topology.batch,
      sealing,
      genesis: genesisBlock({ channel: topology.channel, msps, policy, ordering: sealing?.ordering }),
      onCut: metrics && ((fillMs) => metrics.onCut(fillMs)),
      onFailure: ({ message }) => {
        log.error({ error: message }, 'the orderer stopped');
        failure.reason = message;
        failure.tell?.(message);
      },
    });
    metrics?.follow(orderer);
    return new ChannelOrderer(options, { orderer, ordering: sealing?.ordering, metrics, log, failure });
  }

  get endpoint(): OrdererEndpoint | undefined {
    const host = this.#options.topology.orderers[0]?.host;
    const port = this.#server?.port;
    if (host === undefined || port === undefined) return undefined;
    return { host, port, address: `${this.#options.listenHost}:${port}` };
  }

  /** For what peers hand on: it is counted as what comes in by the port. */
  get forPeers(): TransactionOrderer {
    const { orderer } = this;
    const { metrics } = this.#parts;
    if (metrics === undefined) return orderer;
    const { channel } = this.#options.topology;
    return {
      submit: async (envelope) => {
        const startedAtMs = performance.now();
        await orderer.submit(envelope);
        const enqueueMs = performance.now() - startedAtMs;
        metrics.onBroadcast({ status: 'SUCCESS', channel, type: 'ENDORSER_TRANSACTION', validateMs: 0, enqueueMs });
      },
    };
  }

  setRevocations(...change: Parameters<MspRegistry['setRevocations']>): void {
    if (hasPort(this.#options)) this.#readers.setRevocations(...change);
  }

  /**
   * Opens its port, where the topology names one.
   *
   * @throws Error the port is taken
   */
  async listen(members: { readonly msps: MspRegistry; readonly signatures: SignatureCache }): Promise<void> {
    const { topology, dataDir, listenHost, nowMs } = this.#options;
    const [named] = topology.orderers;
    if (named === undefined) return;
    const withPeer = peerOrganisations(topology).map(({ mspId }) => mspId);
    const access = { ...members, blockReaderMspIds: [...withPeer, ORDERER_MSP_ID], nowMs };
    const { failure } = this.#parts;
    const server = await startOrdererServer({
      host: listenHost,
      port: named.port,
      tls: readTls(dataDir, ordererDomainOf(topology), { kind: 'orderer', host: named.host }),
      channel: topology.channel,
      orderer: this.orderer,
      writers: new AccessPolicy(access),
      readers: new AccessPolicy({ ...access, msps: this.#readers }),
      nowMs,
      log: this.#parts.log,
      metrics: this.#parts.metrics,
    });
    this.#server = server;
    failure.tell = (reason) => server.fail(reason);
    if (failure.reason !== undefined) server.fail(failure.reason);
  }

  /** @throws Error the port is taken */
  async startOperations(): Promise<void> {
    const { topology, listenHost } = this.#options;
    const { metrics, log } = this.#parts;
    const [named] = topology.orderers;
    if (named === undefined || metrics === undefined) return;
    this.#operations = await startOperationsServer({
      host: listenHost,
      port: named.operationsPort,
      log,
      metrics,
      failures: () => {
        const reason = this.orderer.trouble();
        return reason === undefined ? [] : [{ component: 'orderer', reason }];
      },
    });
  }

  /** Nobody is served any more; blocks still go to peers. */
  async stopServing(): Promise<void> {
    await this.#operations?.stop();
    await this.#server?.stop();
  }

  close(): Promise<void> {
    return this.orderer.close();
  }
}

function hasPort({ topology }: ChannelOrdererOptions): boolean {
  return topology.orderers.length > 0;
}
