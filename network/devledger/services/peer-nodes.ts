import { msp } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import type { DefinedChaincode } from '../endorse/chaincode-calls.js';
import type { Endorser } from '../endorse/endorser.js';
import { AccessPolicy } from './access-policy.js';
import {
  type PeerMaterial,
  type PeerNodesOptions,
  type PeerParts,
  peerParts,
  release,
  startServer,
} from './peer-parts.js';
import type { PeerServer } from './peer-server.js';

export type { PeerMaterial, PeerNodesOptions } from './peer-parts.js';

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
  readonly #materials = new Map<string, PeerMaterial>();
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
    const { mspId } = material;
    const isInService = (asked: PeerMaterial) => !this.#setAside.has(asked.mspId) && asked.ledger.isServing();
    const others = () => [...this.#materials.values()].filter((other) => other.mspId !== mspId && isInService(other));
    const parts = peerParts(material, this.#options, {
      access: this.#access,
      isInService: () => isInService(material),
      others,
    });
    this.#materials.set(mspId, material);
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
      this.#materials.delete(material.mspId);
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
    this.#materials.delete(mspId);
    this.#running.delete(mspId);
    await close(peer);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map(close));
    this.#running.clear();
    this.#endorsers.clear();
    this.#materials.clear();
  }
}

async function close(peer: RunningPeer): Promise<void> {
  // Whoever waits for a commit would otherwise hold the server open.
  peer.notifier.close();
  await peer.server.stop();
  release(peer);
}

/** Serialised msp.SerializedIdentity of a certificate. */
export function serialiseIdentity(mspId: string, certificatePem: string): Uint8Array {
  const identity = new msp.SerializedIdentity();
  identity.setMspid(mspId);
  identity.setIdBytes(Buffer.from(certificatePem, 'utf8'));
  return identity.serializeBinary();
}
