import { msp } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import { ChaincodeConnection } from '../chaincode/chaincode-connection.js';
import type { ChaincodeDefinition } from '../commit/chaincode-definition.js';
import type { SignatureCache } from '../commit/signature-cache.js';
import type { Endorser } from '../endorse/endorser.js';
import type { EndorserIdentity } from '../endorse/proposal-response.js';
import type { MspRegistry } from '../msp.js';
import type { PeerLedger } from '../peer-ledger.js';
import { deliveredSets } from '../private-data/delivered-sets.js';
import type { Topology } from '../../topology.js';
import { AccessPolicy } from './access-policy.js';
import { BlockFeed } from './block-feed.js';
import { CommitNotifier } from './commit-notifier.js';
import type { EndorseOptions } from './endorse.js';
import { shuffle } from './shuffle.js';
import { peerEndorser } from './peer-endorser.js';
import { type PeerServer, startPeerServer } from './peer-server.js';
import type { TransactionOrderer } from './submit.js';

/** One organisation's peer, before it listens. */
export interface PeerMaterial {
  readonly mspId: string;
  readonly host: string;
  readonly port: number;
  /** host:port of its chaincode service. */
  readonly chaincodeAddress: string;
  /** Beside the topology's own chaincode, `address` as above. */
  readonly furtherChaincodes?: readonly ChaincodeService[];
  readonly identity: EndorserIdentity;
  readonly tls: { readonly certificatePem: string; readonly keyPem: string };
  readonly ledger: PeerLedger;
}

export interface ChaincodeService {
  readonly name: string;
  readonly version: string;
  readonly address: string;
}

export interface PeerNodesOptions {
  readonly topology: Topology;
  readonly peers: readonly PeerMaterial[];
  readonly orderer: TransactionOrderer;
  readonly msps: MspRegistry;
  readonly signatures: SignatureCache;
  /** Definitions of chaincodes that have their own; the others have the channel's policy and no collections. */
  readonly definitions?: readonly ChaincodeDefinition[];
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
  readonly endpoints: readonly PeerEndpoint[];
  /** Takes a peer out of service: it endorses nothing, and who waits for a commit on it is told why. */
  setAside(mspId: string, reason: string): void;
  stop(): Promise<void>;
}

/** How far a request's time may be from the peer's clock, either way. */
const TIME_WINDOW_MS = 2 * 60 * 1000;
/** Longest envelope that the orderer takes, as on the real network; below the longest message. */
const ENVELOPE_SIZE_MAX_BYTES = 16 * 1024 * 1024;

interface PeerParts {
  readonly material: PeerMaterial;
  readonly endorser: Endorser;
  readonly connections: readonly ChaincodeConnection[];
  readonly notifier: CommitNotifier;
  readonly feed: BlockFeed;
  readonly log: Logger;
}

/**
 * Starts one gRPC server for each peer. Every peer has its own ledger, key and connection to its own chaincode; they
 * ask each other for endorsements inside the process.
 *
 * @throws Error a port is taken; nothing keeps running then
 */
export async function startPeerNodes(options: PeerNodesOptions): Promise<PeerNodes> {
  const setAside = new Set<string>();
  const access = new AccessPolicy({
    msps: options.msps,
    signatures: options.signatures,
    blockReaderMspIds: options.peers.map(({ mspId }) => mspId),
    nowMs: options.nowMs,
  });
  const parts = options.peers.map((material) => peerParts(material, options, access, setAside));
  const servers: PeerServer[] = [];
  const stop = async () => {
    // Whoever waits for a commit would otherwise hold the servers open.
    for (const { notifier } of parts) notifier.close();
    await Promise.all(servers.map((server) => server.stop()));
    for (const { connections, feed } of parts) {
      for (const connection of connections) connection.stop();
      feed.close();
    }
  };
  try {
    for (const part of parts) servers.push(await startServer(part, parts, options, access));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoints: parts.map(({ material: { mspId, host } }, index) => {
      const port = servers[index]?.port ?? 0;
      return { mspId, host, port, address: `${options.listenHost}:${port}` };
    }),
    setAside: (mspId, reason) => {
      setAside.add(mspId);
      const part = parts.find(({ material }) => material.mspId === mspId);
      part?.notifier.fail(reason);
      part?.feed.fail(reason);
    },
    stop,
  };
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
  const { topology } = options;
  const log = options.log.child({ peer: material.mspId });
  const services = [
    { ...topology.chaincode, address: material.chaincodeAddress },
    ...(material.furtherChaincodes ?? []),
  ];
  const { executeTimeoutMs } = options;
  const isInService = (mspId: string) => !setAside.has(mspId);
  const chaincodes = services.map(({ name, version, address }) => {
    const limits = executeTimeoutMs === undefined ? {} : { executeTimeoutMs };
    return { name, version, runtime: new ChaincodeConnection({ chaincodeName: name, address, log, ...limits }) };
  });
  const endorser = peerEndorser(material, chaincodes, { ...options, log, access, isInService });
  const notifier = new CommitNotifier(material.ledger);
  const connections = chaincodes.map(({ runtime }) => runtime);
  return { material, endorser, connections, notifier, feed: new BlockFeed(material.ledger), log };
}

function startServer(
  part: PeerParts,
  all: readonly PeerParts[],
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
    endorse: endorseOptions(part, all, options),
    submit: { channel, access, log, orderer: options.orderer, envelopeSizeMaxBytes: ENVELOPE_SIZE_MAX_BYTES },
    commitStatus: { channel, access, ledger, notifier },
    chaincodeEvents: { channel, access, ledger, feed },
    deliver: {
      channel,
      access,
      feed,
      log,
      timeWindowMs: TIME_WINDOW_MS,
      nowMs: options.nowMs,
      privateDataOf: async (blockNumber, reader) => {
        const keeper = ledger.privateData;
        if (keeper === undefined) return new Map();
        return deliveredSets(blockNumber, reader, { keeper, rules: part.endorser.rules });
      },
    },
    log,
  });
}

function endorseOptions(part: PeerParts, all: readonly PeerParts[], options: PeerNodesOptions): EndorseOptions {
  const { topology, msps, nowMs } = options;
  return {
    local: part.endorser,
    others: all.filter((other) => other !== part).map(({ endorser }) => endorser),
    checks: {
      channel: topology.channel,
      msps,
      nowMs,
      timeWindowMs: TIME_WINDOW_MS,
      isOpenToAll: (name) => part.endorser.hasChaincode(name) && !part.endorser.hasApplicationChaincode(name),
    },
    shuffle,
  };
}
