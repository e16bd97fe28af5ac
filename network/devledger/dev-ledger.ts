import { join } from 'node:path';
import type { Logger } from 'pino';
import { mspDefinitions, readPeerIdentity, readTls } from '../identities/index.js';
import type { Organisation, Topology } from '../topology.js';
import { deliverBlocks } from './commit/deliver-blocks.js';
import type { ChaincodeDefinition } from './commit/chaincode-definition.js';
import { genesisBlock } from './commit/genesis-block.js';
import { openPeerLedger } from './commit/open-peer-ledger.js';
import { SignatureCache } from './commit/signature-cache.js';
import { type MspDefinition, MspRegistry } from './msp.js';
import { openOrderer } from './orderer/open-orderer.js';
import type { PeerLedger } from './peer-ledger.js';
import { reconcilePrivateData } from './private-data/reconciliation.js';
import {
  type PeerEndpoint,
  type PeerMaterial,
  type PeerNodesOptions,
  serialiseIdentity,
  startPeerNodes,
} from './services/peer-nodes.js';
import { messageOf } from './services/rpc-error.js';

export interface DevLedgerOptions {
  readonly topology: Topology;
  /** Holds `organizations/`, made by `ensureIdentities`, and `ledger/`, made here. */
  readonly dataDir: string;
  readonly log: Logger;
  /** Defined on the channel beside the topology's own, with the same endorsement policy. */
  readonly furtherChaincodes?: readonly FurtherChaincode[];
  /** Definitions of chaincodes that have a policy or collections of their own, the topology's own included. */
  readonly definitions?: readonly ChaincodeDefinition[];
  /** Default 127.0.0.1. */
  readonly listenHost?: string;
  /** Default: the system's clock. */
  readonly nowMs?: () => number;
}

/** A chaincode with a service for each peer. */
export interface FurtherChaincode {
  readonly name: string;
  readonly version: string;
  /** host:port of the service of this organisation's peer. */
  readonly addressOf: (mspId: string) => string;
}

export interface DevLedger {
  /** One for each peer that serves. */
  readonly endpoints: readonly PeerEndpoint[];
  /** Sentence by MSP id of the peers that take no part, because of what is wrong with their folder. */
  readonly setAside: ReadonlyMap<string, string>;
  /** Resolves when nothing listens and everything is on disk. */
  stop(): Promise<void>;
}

type PeerOrganisation = Organisation & { readonly peer: NonNullable<Organisation['peer']> };

/**
 * Starts the embedded ledger: one orderer, and for each organisation with a peer its own ledger, gRPC server and
 * connection to its chaincode service. The chaincode may start later. Resolves when every peer that can has all the
 * blocks that were ordered.
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
    return await start(
      { listenHost: '127.0.0.1', nowMs: Date.now, furtherChaincodes: [], definitions: [], ...options },
      closers,
      stop,
    );
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  options: Required<DevLedgerOptions>,
  closers: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<DevLedger> {
  const { topology, dataDir, log } = options;
  const definitions = mspDefinitions(dataDir, topology, { includeOrderer: false });
  const msps = new MspRegistry(definitions);
  const signatures = new SignatureCache(msps);
  const orderer = await openOrderer({
    directory: join(dataDir, 'ledger', 'orderer'),
    batch: topology.batch,
    genesis: genesisBlock({
      channel: topology.channel,
      msps: definitions,
      policy: { endorsers: endorsingMspIds(topology), needed: topology.endorsementsNeeded },
    }),
    onFailure: (error) => log.error({ error: error.message }, 'the orderer stopped'),
  });
  closers.push(() => orderer.close());
  const setAside = new Map<string, string>();
  const ledgers = await openLedgers(options, { definitions, signatures, setAside });
  closers.push(async () => {
    await Promise.all([...ledgers.values()].map((ledger) => ledger.close()));
  });
  requireEnough(ledgers, setAside, topology);
  const stopReconciling = reconcilePrivateData([...ledgers.values()], log);
  closers.push(async () => stopReconciling());
  const nodes = await startPeerNodes({ ...options, ...peerParts(options, ledgers), orderer, msps, signatures });
  const delivery = deliverBlocks({
    source: orderer,
    peers: [...ledgers.values()],
    onSetAside: (mspId, sentence) => {
      log.error({ peer: mspId, reason: sentence }, 'peer set aside');
      setAside.set(mspId, sentence);
      nodes.setAside(mspId, sentence);
    },
  });
  closers.push(() => delivery.stop());
  closers.push(() => nodes.stop());
  await delivery.caughtUp();
  return { endpoints: nodes.endpoints, setAside, stop };
}

async function openLedgers(
  { topology, dataDir, log, furtherChaincodes, definitions }: Required<DevLedgerOptions>,
  parts: { definitions: readonly MspDefinition[]; signatures: SignatureCache; setAside: Map<string, string> },
): Promise<Map<string, PeerLedger>> {
  const ledgers = new Map<string, PeerLedger>();
  for (const { mspId } of peerOrganisations(topology)) {
    try {
      const ledger = await openPeerLedger({
        mspId,
        directory: join(dataDir, 'ledger', 'peers', mspId),
        channel: topology.channel,
        policy: { endorsers: endorsingMspIds(topology), needed: topology.endorsementsNeeded },
        msps: parts.definitions,
        signatureCache: parts.signatures,
        chaincodes: [topology.chaincode, ...furtherChaincodes].map(({ name }) => name),
        definitions,
      });
      ledgers.set(mspId, ledger);
    } catch (error) {
      log.error({ peer: mspId, reason: messageOf(error) }, 'peer set aside: its ledger cannot be opened');
      parts.setAside.set(mspId, messageOf(error));
    }
  }
  return ledgers;
}

function requireEnough(
  ledgers: ReadonlyMap<string, PeerLedger>,
  setAside: ReadonlyMap<string, string>,
  topology: Topology,
): void {
  const able = endorsingMspIds(topology).filter((mspId) => ledgers.has(mspId));
  if (able.length >= topology.endorsementsNeeded) return;
  const reasons = [...new Set(setAside.values())].join(' ');
  throw new Error(`Only ${able.length} of ${topology.endorsementsNeeded} peers can be started: ${reasons}`);
}

function peerParts(
  { topology, dataDir, furtherChaincodes }: Required<DevLedgerOptions>,
  ledgers: ReadonlyMap<string, PeerLedger>,
): Pick<PeerNodesOptions, 'peers'> {
  const peers = peerOrganisations(topology).flatMap((organisation): PeerMaterial[] => {
    const { mspId, domain, peer } = organisation;
    const ledger = ledgers.get(mspId);
    if (ledger === undefined) return [];
    const { certificatePem, privateKey } = readPeerIdentity(dataDir, domain, peer.host);
    return [
      {
        mspId,
        host: peer.host,
        port: peer.port,
        chaincodeAddress: `127.0.0.1:${peer.chaincodePort}`,
        furtherChaincodes: furtherChaincodes.map(({ name, version, addressOf }) => ({
          name,
          version,
          address: addressOf(mspId),
        })),
        identity: { mspId, serialized: serialiseIdentity(mspId, certificatePem), privateKey },
        tls: readTls(dataDir, domain, { kind: 'peer', host: peer.host }),
        ledger,
      },
    ];
  });
  return { peers };
}

function peerOrganisations(topology: Topology): PeerOrganisation[] {
  return topology.organisations.filter(
    (organisation): organisation is PeerOrganisation => organisation.peer !== undefined,
  );
}

function endorsingMspIds(topology: Topology): string[] {
  return topology.organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
}
