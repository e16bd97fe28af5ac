import { msp } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import { ChaincodeConnection, type ChaincodeTls } from '../chaincode/chaincode-connection.js';
import type { SignatureCache } from '../commit/signature-cache.js';
import { type DefinedChaincode, Endorser } from '../endorse/endorser.js';
import type { EndorserIdentity } from '../endorse/proposal-response.js';
import type { MspRegistry } from '../msp.js';
import type { PeerLedger } from '../peer-ledger.js';
import { qscc } from '../system-chaincodes/qscc.js';
import type { LedgerTopology } from '../../topology.js';
import { AccessPolicy } from './access-policy.js';
import { BlockFeed } from './block-feed.js';
import type { CallListener } from './call-handlers.js';
import { CommitNotifier } from './commit-notifier.js';
import type { EndorseOptions } from './endorse.js';
import { type PeerServer, startPeerServer } from './peer-server.js';
import type { TransactionOrderer } from './submit.js';

/** One organisation's peer, before it listens. */
export interface PeerMaterial {
  readonly mspId: string;
  readonly host: string;
  readonly port: number;
  /** host:port of its service of the topology's own chaincode, where that has one. */
  readonly chaincodeAddress?: string;
  /** Of the connection to that service; plain where left out. */
  readonly chaincodeTls?: ChaincodeTls;
  /** Beside the topology's own chaincode, `address` as above. */
  readonly furtherChaincodes?: readonly ChaincodeService[];
  /** Those that run already, whoever runs them; they are not stopped with the peer. */
  readonly deployed?: readonly DefinedChaincode[];
  readonly identity: EndorserIdentity;
  readonly tls: { readonly certificatePem: string; readonly keyPem: string };
  readonly ledger: PeerLedger;
  /** Told of each unary call that was answered. */
  readonly onCall?: CallListener;
}

export interface ChaincodeService {
  readonly name: string;
  readonly version: string;
  readonly address: string;
  readonly tls?: ChaincodeTls;
}

export interface PeerNodesOptions {
  readonly topology: LedgerTopology;
  readonly peers: readonly PeerMaterial[];
  readonly orderer: TransactionOrderer;
  readonly msps: MspRegistry;
  readonly signatures: SignatureCache;
  /** Address to listen on; loopback, unless the machine is shared on purpose. */
  readonly listenHost: string;
  readonly nowMs: () => number;
  readonly log: Logger;
  /** How long one transaction may run in a chaincode; default 30 s. */
  readonly executeTimeoutMs?: number;
}

export interface PeerEndpoint {
  readonly mspId: string;
  /** Name in the TLS certificate. */
  readonly host: string;
  /** host:port to connect to. */
  readonly address: string;
  readonly port: number;
}

export interface PeerNodes {
  /** Of the peers that listen. */
  readonly endpoints: readonly PeerEndpoint[];
  /** Takes a peer out of service: it endorses nothing, and who waits for a commit on it is told why. */
  setAside(mspId: string, reason: string): void;
  /**
   * Starts a peer that was stopped.
   *
   * @throws Error its port is taken
   */
  start(material: PeerMaterial): Promise<void>;
  /** Stops one peer; the others go on. Its ledger is left as it is. */
  stopPeer(mspId: string): Promise<void>;
  /** Puts a chaincode on a peer that runs, in the place of one with the same name. */
  define(mspId: string, chaincode: DefinedChaincode): void;
  /** The logger of a peer that runs; its level is the peer's. */
  logOf(mspId: string): Logger | undefined;
  stop(): Promise<void>;
}

/** How far a request's time may be from the peer's clock, either way. */
const TIME_WINDOW_MS = 2 * 60 * 1000;
/** Longest envelope that the orderer takes, as on the real network; below the longest message. */
const ENVELOPE_SIZE_MAX_BYTES = 16 * 1024 * 1024;

interface PeerParts {
  readonly material: PeerMaterial;
  readonly endorser: Endorser;
  /** As the endorser sees them: what is added here is known to it. */
  readonly chaincodes: DefinedChaincode[];
  readonly connections: readonly ChaincodeConnection[];
  readonly notifier: CommitNotifier;
  readonly feed: BlockFeed;
  readonly log: Logger;
}

/** A peer that listens. */
interface RunningPeer extends PeerParts {
  readonly server: PeerServer;
}

/**
 * Starts one gRPC server for each peer. Every peer has its own ledger, key and connection to its own chaincode; they
 * ask each other for endorsements inside the process.
 *
 * @throws Error a port is taken; nothing keeps running then
 */
export async function startPeerNodes(options: PeerNodesOptions): Promise<PeerNodes> {
  const nodes = new Nodes(options);
  const all = options.peers.map((material) => nodes.prepare(material));
  try {
    for (const parts of all) await nodes.listen(parts);
  } catch (error) {
    for (const parts of all) release(parts);
    await nodes.stop();
    throw error;
  }
  return nodes;
}

class Nodes implements PeerNodes {
  readonly #options: PeerNodesOptions;
  readonly #access: AccessPolicy;
  readonly #setAside = new Set<string>();
  /** Those that others may ask, in the order of their start. */
  readonly #endorsers = new Map<string, Endorser>();
  readonly #running = new Map<string, RunningPeer>();

  constructor(options: PeerNodesOptions) {
    this.#options = options;
    const { msps, signatures, topology, nowMs } = options;
    const blockReaderMspIds = topology.organisations.filter(({ peer }) => peer !== undefined).map(({ mspId }) => mspId);
    this.#access = new AccessPolicy({ msps, signatures, blockReaderMspIds, nowMs });
  }

  get endpoints(): readonly PeerEndpoint[] {
    return [...this.#running.values()].map(({ material: { mspId, host }, server: { port } }) => ({
      mspId,
      host,
      port,
      address: `${this.#options.listenHost}:${port}`,
    }));
  }

  prepare(material: PeerMaterial): PeerParts {
    this.#setAside.delete(material.mspId);
    const parts = peerParts(material, this.#options, this.#access, this.#setAside);
    this.#endorsers.set(material.mspId, parts.endorser);
    return parts;
  }

  async listen(parts: PeerParts): Promise<void> {
    const others = () => [...this.#endorsers.values()].filter((endorser) => endorser !== parts.endorser);
    const server = await startServer(parts, others, this.#options, this.#access);
    this.#running.set(parts.material.mspId, { ...parts, server });
  }

  async start(material: PeerMaterial): Promise<void> {
    const parts = this.prepare(material);
    try {
      await this.listen(parts);
    } catch (error) {
      this.#endorsers.delete(material.mspId);
      release(parts);
      throw error;
    }
  }

  setAside(mspId: string, reason: string): void {
    this.#setAside.add(mspId);
    const peer = this.#running.get(mspId);
    peer?.notifier.fail(reason);
    peer?.feed.fail(reason);
  }

  define(mspId: string, chaincode: DefinedChaincode): void {
    const chaincodes = this.#running.get(mspId)?.chaincodes;
    if (chaincodes === undefined) return;
    const index = chaincodes.findIndex(({ name }) => name === chaincode.name);
    if (index < 0) chaincodes.push(chaincode);
    else chaincodes[index] = chaincode;
  }

  logOf(mspId: string): Logger | undefined {
    return this.#running.get(mspId)?.log;
  }

  async stopPeer(mspId: string): Promise<void> {
    const peer = this.#running.get(mspId);
    if (peer === undefined) return;
    this.#endorsers.delete(mspId);
    this.#running.delete(mspId);
    await close(peer);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map(close));
    this.#running.clear();
    this.#endorsers.clear();
  }
}

async function close(peer: RunningPeer): Promise<void> {
  // Whoever waits for a commit would otherwise hold the server open.
  peer.notifier.close();
  await peer.server.stop();
  release(peer);
}

function release({ connections, feed, notifier }: PeerParts): void {
  notifier.close();
  for (const connection of connections) connection.stop();
  feed.close();
}

/** Serialised msp.SerializedIdentity of a certificate. */
export function serialiseIdentity(mspId: string, certificatePem: string): Uint8Array {
  const identity = new msp.SerializedIdentity();
  identity.setMspid(mspId);
  identity.setIdBytes(Buffer.from(certificatePem, 'utf8'));
  return identity.serializeBinary();
}

function peerParts(
  material: PeerMaterial,
  options: PeerNodesOptions,
  access: AccessPolicy,
  setAside: ReadonlySet<string>,
): PeerParts {
  const { topology, msps, signatures } = options;
  const log = options.log.child({ peer: material.mspId });
  const { chaincodeAddress, chaincodeTls, furtherChaincodes = [], deployed = [] } = material;
  const security = chaincodeTls === undefined ? {} : { tls: chaincodeTls };
  const own: readonly ChaincodeService[] =
    topology.chaincode === undefined || chaincodeAddress === undefined
      ? []
      : [
          {
            name: topology.chaincode.name,
            version: topology.chaincode.version,
            address: chaincodeAddress,
            ...security,
          },
        ];
  const { executeTimeoutMs } = options;
  const services = [...own, ...furtherChaincodes].map(({ name, version, address, tls }) => {
    const limits = executeTimeoutMs === undefined ? {} : { executeTimeoutMs };
    const secured = tls === undefined ? {} : { tls };
    const runtime = new ChaincodeConnection({ chaincodeName: name, address, log, ...secured, ...limits });
    return { name, version, runtime };
  });
  const chaincodes: DefinedChaincode[] = [...services, ...deployed];
  const endorser = new Endorser({
    identity: material.identity,
    address: `${material.host}:${material.port}`,
    ledger: material.ledger,
    chaincodes,
    systemChaincodes: [
      qscc({
        channel: topology.channel,
        mspIdOf: (creator) => msps.identity(creator).mspId,
        mayReadBlocks: (mspId) => access.mayReadBlocks(mspId),
      }),
    ],
    isInService: () => !setAside.has(material.mspId),
    signatures,
    log,
  });
  const notifier = new CommitNotifier(material.ledger);
  const connections = services.map(({ runtime }) => runtime);
  return { material, endorser, chaincodes, connections, notifier, feed: new BlockFeed(material.ledger), log };
}

function startServer(
  part: PeerParts,
  others: () => readonly Endorser[],
  options: PeerNodesOptions,
  access: AccessPolicy,
): Promise<PeerServer> {
  const { material, feed, notifier, log } = part;
  const { ledger } = material;
  const { channel } = options.topology;
  return startPeerServer({
    host: options.listenHost,
    port: material.port,
    tls: material.tls,
    endorse: endorseOptions(part, others, options),
    submit: { channel, access, log, orderer: options.orderer, envelopeSizeMaxBytes: ENVELOPE_SIZE_MAX_BYTES },
    commitStatus: { channel, access, ledger, notifier },
    chaincodeEvents: { channel, access, ledger, feed },
    deliver: { channel, access, feed, log, timeWindowMs: TIME_WINDOW_MS, nowMs: options.nowMs },
    log,
    ...(material.onCall === undefined ? {} : { onCall: material.onCall }),
  });
}

function endorseOptions(part: PeerParts, others: () => readonly Endorser[], options: PeerNodesOptions): EndorseOptions {
  const { topology, msps, nowMs } = options;
  return {
    local: part.endorser,
    // Asked anew for each call: peers stop and start.
    get others() {
      return others();
    },
    checks: {
      channel: topology.channel,
      msps,
      nowMs,
      timeWindowMs: TIME_WINDOW_MS,
      isOpenToAll: (name) => part.endorser.hasChaincode(name) && !part.endorser.hasApplicationChaincode(name),
    },
    endorsingMspIds: topology.organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId),
    endorsementsNeeded: topology.endorsementsNeeded,
    shuffle,
  };
}

/** Spreads the work over the other organisations. */
function shuffle<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ item }) => item);
}
