import { type Logger, pino } from 'pino';
import { ensureIdentities, mspDefinitions } from '../identities/index.js';
import type { LedgerTopology } from '../topology.js';
import { readTopologyFile } from '../topology-file.js';
import { ChannelOrderer, type OrdererEndpoint } from './channel-orderer.js';
import { ChannelPeers, endorsingMspIds, type FurtherChaincode } from './channel-peers.js';
import type { ChaincodeDefinition } from './commit/chaincode-definition.js';
import { type BlockDelivery, deliverBlocks } from './commit/deliver-blocks.js';
import { SignatureCache } from './commit/signature-cache.js';
import { followRevocations } from './follow-revocations.js';
import { type DeployedResult, Deployments, type DeployRequest } from './deployments.js';
import { MspRegistry } from './msp.js';
import { PeerOperations } from './operations/peer-operations.js';
import { type Reconciliation, reconcilePrivateData } from './private-data/reconciliation.js';
import { type PeerEndpoint, type PeerNodes, startPeerNodes } from './services/peer-nodes.js';

export type { FurtherChaincode } from './channel-peers.js';
export type { DeployedResult, DeployRequest } from './deployments.js';

export interface DevLedgerOptions {
  /** Who takes part and where; one of `topology` and `topologyFile`. A port of 0 takes a free one. */
  readonly topology?: LedgerTopology;
  /** See docs/topology.md. */
  readonly topologyFile?: string;
  /**
   * Holds all there is: certificates and keys in `organizations/` (made where they are missing), blocks and state in
   * `ledger/`, what chaincodes print in `logs/`. A ledger that starts on it again goes on where it was.
   */
  readonly dataDir: string;
  /** Default: says nothing. */
  readonly log?: Logger;
  /** Deployed once the ledger serves, beside those of the topology; see `deploy`. */
  readonly chaincodes?: readonly DeployRequest[];
  /** Defined on the channel from its beginning beside the topology's own, with the same endorsement policy. */
  readonly furtherChaincodes?: readonly FurtherChaincode[];
  /** Definitions of chaincodes that have a policy or collections of their own, the topology's own included. */
  readonly definitions?: readonly ChaincodeDefinition[];
  /** Whether certificates and keys that are missing are made. Default true. */
  readonly makeIdentities?: boolean;
  /** Whether each node has its operations port open: health, metrics, log level, version. Default false. */
  readonly operations?: boolean;
  /** Default 127.0.0.1. */
  readonly listenHost?: string;
  /** Default: the system's clock. */
  readonly nowMs?: () => number;
}

/** A Fabric network that runs in this process. */
export interface DevLedger {
  /** One for each peer that serves. */
  readonly endpoints: readonly PeerEndpoint[];
  /** Where Fabric's own tools and older SDKs hand in transactions; undefined when the topology names no orderer. */
  readonly orderer: OrdererEndpoint | undefined;
  /** Sentence by MSP id of the peers that take no part, because of what is wrong with their folder. */
  readonly setAside: ReadonlyMap<string, string>;
  /** Number of blocks by MSP id, of the peers that run. */
  heights(): ReadonlyMap<string, number>;
  /** Those that were deployed, as they are in force. */
  chaincodes(): readonly { readonly name: string; readonly version: string; readonly sequence: number }[];
  /** By name of a chaincode: MSP ids of the peers with which it is not registered at the moment. */
  missingChaincodes(): ReadonlyMap<string, readonly string[]>;
  /**
   * Puts a chaincode on the channel, or its next version.
   *
   * @throws DefinitionError with a sentence: policy, collections or sequence are not right, it cannot be built, it does
   * not register
   */
  deploy(request: DeployRequest): Promise<DeployedResult>;
  /** Stops one peer, the others go on. False when it did not run. */
  stopPeer(mspId: string): Promise<boolean>;
  /** Starts it again; it takes the blocks that it has missed. False when it runs. */
  startPeer(mspId: string): Promise<boolean>;
  /** Resolves when nothing listens, no chaincode of ours runs and everything is on disk. */
  stop(): Promise<void>;
}

interface Settings extends Required<Omit<DevLedgerOptions, 'topologyFile'>> {
  readonly closers: (() => Promise<void>)[];
}

/**
 * Starts the embedded ledger: one orderer, and for each organisation with a peer its own ledger, gRPC server and
 * connection to its chaincode. The chaincode may start later. Resolves when every peer that can has all the blocks that
 * were ordered.
 *
 * As on a real network, a peer whose own data is damaged does not keep the others from serving, as long as they are
 * enough to endorse.
 *
 * @throws Error with a sentence for the operator; nothing keeps running then
 */
export async function startDevLedger(options: DevLedgerOptions): Promise<DevLedger> {
  const closers: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const settings = settingsOf(options, closers);
    if (settings.makeIdentities) await ensureIdentities(settings.topology, settings.dataDir);
    return await start(settings, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

function settingsOf(options: DevLedgerOptions, closers: Settings['closers']): Settings {
  const { topology, topologyFile, ...rest } = options;
  if ((topology === undefined) === (topologyFile === undefined)) {
    throw new Error('The embedded ledger takes one of topology and topologyFile.');
  }
  return {
    listenHost: '127.0.0.1',
    nowMs: Date.now,
    furtherChaincodes: [],
    definitions: [],
    chaincodes: [],
    operations: false,
    makeIdentities: true,
    log: pino({ level: 'silent' }),
    ...rest,
    topology: topology ?? readTopologyFile(topologyFile ?? ''),
    closers,
  };
}

/** What every part of the channel rests on. */
interface Channel {
  readonly ordering: ChannelOrderer;
  readonly deployments: Deployments;
  readonly peers: ChannelPeers;
  readonly nodes: PeerNodes;
  readonly delivery: BlockDelivery;
  readonly reconciling: Reconciliation;
}

async function start(settings: Settings, stop: () => Promise<void>): Promise<DevLedger> {
  const { topology, closers } = settings;
  const channel = await openChannel(settings);
  const { ordering, deployments, peers, nodes, delivery } = channel;
  const { orderer } = ordering;
  await delivery.caughtUp();
  const operations = new PeerOperations(settings, { ...channel, orderer });
  closers.push(() => operations.stop());
  if (settings.operations) await Promise.all([operations.startAll(), ordering.startOperations()]);
  const target = {
    betweenBlocks: orderer.betweenBlocks.bind(orderer),
    define: nodes.define.bind(nodes),
  };
  const deploy = (request: DeployRequest) => deployments.deploy(request, target);
  for (const request of [...deployments.missing(), ...settings.chaincodes]) await deploy(request);
  return {
    get endpoints() {
      return nodes.endpoints;
    },
    get orderer() {
      return ordering.endpoint;
    },
    setAside: peers.setAside,
    heights: () => new Map(peers.ledgers().map((each) => [each.mspId, each.height()])),
    chaincodes: () => deployments.definitionsAt().map(({ name, version, sequence }) => ({ name, version, sequence })),
    missingChaincodes: () => deployments.missingAt(),
    deploy,
    stopPeer: async (mspId) => {
      requirePeer(topology, mspId);
      const stopped = await peers.stop(mspId, channel);
      await operations.peerStopped(mspId);
      return stopped;
    },
    startPeer: async (mspId) => {
      const started = await peers.start(mspId, channel);
      if (started && settings.operations) await operations.start(mspId);
      return started;
    },
    stop,
  };
}

async function openChannel(settings: Settings): Promise<Channel> {
  const { topology, dataDir, log, listenHost, closers } = settings;
  const definitions = mspDefinitions(dataDir, topology, { includeOrderer: false });
  const msps = new MspRegistry(definitions);
  const signatures = new SignatureCache(msps);
  const ordering = await ChannelOrderer.open({ ...settings, msps: definitions });
  closers.push(() => ordering.close());
  const { orderer } = ordering;
  const registries = [msps, ordering];
  const unfollow = followRevocations({ dataDir, topology, registries, log });
  closers.push(async () => unfollow());
  const deployments = await Deployments.open({ topology, dataDir, listenHost, log, nowMs: settings.nowMs });
  closers.push(() => deployments.stop());
  const peers = new ChannelPeers({
    ...settings,
    msps: definitions,
    signatures,
    deployments,
    ordering: ordering.ordering,
  });
  closers.push(() => peers.close());
  await peers.openAll();
  requireEnough(peers, topology);
  const reconciling = reconcilePrivateData(() => peers.ledgers(), log);
  closers.push(async () => reconciling.stop());
  const nodes = await startPeerNodes({
    ...settings,
    peers: peers.materials(),
    deployedDefinitions: () => deployments.definitionsAt(),
    allDeployedDefinitions: () => deployments.allDefinitions(),
    orderer: ordering.forPeers,
    msps,
    signatures,
  });
  const delivery = deliverBlocks({
    source: orderer,
    peers: peers.ledgers(),
    rules: peers.rules(),
    onWaiting: (mspId, sentence) => log.warn({ peer: mspId }, sentence),
    onSetAside: (mspId, sentence) => {
      log.error({ peer: mspId, reason: sentence }, 'peer set aside');
      peers.setAside.set(mspId, sentence);
      nodes.setAside(mspId, sentence);
    },
  });
  closers.push(() => delivery.stop());
  closers.push(() => nodes.stop());
  closers.push(() => ordering.stopServing());
  await ordering.listen({ msps, signatures });
  return { ordering, deployments, peers, nodes, delivery, reconciling };
}

function requireEnough(peers: ChannelPeers, topology: LedgerTopology): void {
  const able = endorsingMspIds(topology).filter((mspId) => peers.ledger(mspId) !== undefined);
  if (able.length >= topology.endorsementsNeeded) return;
  const reasons = [...new Set(peers.setAside.values())].join(' ');
  throw new Error(`Only ${able.length} of ${topology.endorsementsNeeded} peers can be started: ${reasons}`);
}

function requirePeer({ organisations }: LedgerTopology, mspId: string): void {
  const known = organisations.filter(({ peer }) => peer !== undefined).map((organisation) => organisation.mspId);
  if (!known.includes(mspId))
    throw new Error(`${mspId} has no peer on this channel; those with one: ${known.join(', ')}.`);
}
