import type { Logger } from 'pino';
import { ORDERER_MSP_ID } from '../../identities/index.js';
import type { LedgerTopology } from '../../topology.js';
import { ChaincodeConnection, type ChaincodeTls } from '../chaincode/chaincode-connection.js';
import type { ChaincodeDefinition } from '../commit/chaincode-definition.js';
import type { SignatureCache } from '../commit/signature-cache.js';
import type { DefinedChaincode } from '../endorse/chaincode-calls.js';
import type { Endorser } from '../endorse/endorser.js';
import type { EndorserIdentity } from '../endorse/proposal-response.js';
import type { MspRegistry } from '../msp.js';
import type { PeerLedger } from '../peer-ledger.js';
import { deliveredSets } from '../private-data/delivered-sets.js';
import type { AccessPolicy } from './access-policy.js';
import { BlockFeed } from './block-feed.js';
import type { CallListener } from './call-handlers.js';
import { CommitNotifier } from './commit-notifier.js';
import type { EndorseOptions } from './endorse.js';
import { peerEndorser } from './peer-endorser.js';
import { type PeerServer, startPeerServer } from './peer-server.js';
import { shuffle } from './shuffle.js';
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
  /** Definitions of chaincodes that have their own; the others have the channel's policy and no collections. */
  readonly definitions?: readonly ChaincodeDefinition[];
  /** Further ones, which change while peers run; the same array as long as they do not. */
  readonly deployedDefinitions?: () => readonly ChaincodeDefinition[];
  /** The same with those that later ones have replaced. */
  readonly allDeployedDefinitions?: () => readonly ChaincodeDefinition[];
  /** Address to listen on; loopback, unless the machine is shared on purpose. */
  readonly listenHost: string;
  readonly nowMs: () => number;
  readonly log: Logger;
  /** How long one transaction may run in a chaincode; default 30 s. */
  readonly executeTimeoutMs?: number;
}

/** How far a request's time may be from the peer's clock, either way. */
export const TIME_WINDOW_MS = 2 * 60 * 1000;
/** Longest envelope that the orderer takes, as on the real network; below the longest message. */
export const ENVELOPE_SIZE_MAX_BYTES = 16 * 1024 * 1024;

export interface PeerParts {
  readonly material: PeerMaterial;
  readonly endorser: Endorser;
  /** As the endorser sees them: what is added here is known to it. */
  readonly chaincodes: DefinedChaincode[];
  readonly connections: readonly ChaincodeConnection[];
  readonly notifier: CommitNotifier;
  readonly feed: BlockFeed;
  readonly log: Logger;
}

/** What a peer is to know of the others. */
export interface PeerContext {
  readonly access: AccessPolicy;
  /** Whether the peer was not set aside, and its state is whole. */
  readonly isInService: () => boolean;
  /** The other peers that run and are in service, in no order. */
  readonly others: () => readonly PeerMaterial[];
}

export function peerParts(material: PeerMaterial, options: PeerNodesOptions, context: PeerContext): PeerParts {
  const { topology } = options;
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
  const endorser = peerEndorser(material, { given: services, running: chaincodes }, { ...options, ...context, log });
  const notifier = new CommitNotifier(material.ledger);
  const connections = services.map(({ runtime }) => runtime);
  return { material, endorser, chaincodes, connections, notifier, feed: new BlockFeed(material.ledger), log };
}

export function startServer(
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
    discovery: {
      channel,
      access,
      log,
      local: part.endorser,
      // Asked anew for each call: peers stop and start.
      get others() {
        return others();
      },
      orderers: options.topology.orderers.slice(0, 1).map(({ host, port }) => ({ mspId: ORDERER_MSP_ID, host, port })),
    },
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
    shuffle,
  };
}

/** For one that serves no more. */
export function release({ connections, feed, notifier }: PeerParts): void {
  notifier.close();
  for (const connection of connections) connection.stop();
  feed.close();
}
