import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import { SignatureCache } from '../../../network/devledger/commit/signature-cache.js';
import { MspRegistry } from '../../../network/devledger/msp.js';
import { type PeerNodes, serialiseIdentity, startPeerNodes } from '../../../network/devledger/services/peer-nodes.js';
import {
  ensureIdentities,
  mspDefinitions,
  readPeerIdentity,
  readTls,
  tlsCaBundle,
} from '../../../network/identities/index.js';
import { type LedgerTopology, localTopology, type Organisation, type Topology } from '../../../network/topology.js';
import { freePorts } from '../../support/free-ports.js';
import { type ChaincodeProcess, startChaincode } from './chaincode-process.js';
import { enrol, type Member, type MemberClient, memberClient } from './front-client.js';
import { MemoryOrderer, MemoryPeerLedger } from './memory-ledger.js';

/** Three peers with real gRPC, TLS, certificates and chaincode processes, over ledgers in memory. */
export interface FrontNetwork {
  readonly dataDir: string;
  readonly topology: Topology;
  readonly nodes: PeerNodes;
  readonly ledgers: ReadonlyMap<string, MemoryPeerLedger>;
  readonly orderer: MemoryOrderer;
  readonly chaincodes: Map<string, ChaincodeProcess>;
  clock: { offsetMs: number };
  organisation(mspId: string): Organisation;
  /** A client of the organisation's peer; a member without a peer goes to Government's. */
  client(mspId: string, member?: Member): Promise<MemberClient>;
  stop(): Promise<void>;
}

export async function startFrontNetwork(
  options: { env?: Record<string, Record<string, string>>; executeTimeoutMs?: number } = {},
): Promise<FrontNetwork> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ledger-front-'));
  const topology = await freeTopology();
  await ensureIdentities(topology, dataDir);
  const msps = new MspRegistry(mspDefinitions(dataDir, topology, { includeOrderer: true }));
  const signatures = new SignatureCache(msps);
  const chaincodes = await startChaincodes(topology, options.env ?? {});
  const ledgers = await openLedgers(dataDir, topology, signatures);
  const orderer = new MemoryOrderer([...ledgers.values()]);
  const clock = { offsetMs: 0 };
  const clients: MemberClient[] = [];
  const nodes = await startPeerNodes({
    topology,
    orderer,
    msps,
    signatures,
    peers: withPeer(topology).map(({ mspId, domain, peer }) => peerMaterial(dataDir, { mspId, domain, peer }, ledgers)),
    listenHost: '127.0.0.1',
    nowMs: () => Date.now() + clock.offsetMs,
    log: pino({ level: process.env.LEDGER_TEST_LOG ?? 'silent' }),
    ...(options.executeTimeoutMs === undefined ? {} : { executeTimeoutMs: options.executeTimeoutMs }),
  });
  const organisation = (mspId: string) => {
    const found = topology.organisations.find((candidate) => candidate.mspId === mspId);
    if (found === undefined) throw new Error(`no organisation ${mspId}`);
    return found;
  };
  return {
    dataDir,
    topology,
    nodes,
    ledgers,
    orderer,
    chaincodes,
    clock,
    organisation,
    async client(mspId, member) {
      const endpoint = nodes.endpoints.find((peer) => peer.mspId === organisation(mspId).gateway.peerMspId);
      if (endpoint === undefined) throw new Error(`no endpoint for ${mspId}`);
      const who = member ?? (await enrol(dataDir, organisation(mspId)));
      const client = memberClient(endpoint, tlsCaBundle(dataDir, topology), who);
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.close();
      await nodes.stop();
      await orderer.close();
      await Promise.all([...chaincodes.values()].map((chaincode) => chaincode.stop()));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The local topology on ports that are free, its chaincode reached without TLS. */
export async function freeTopology(): Promise<Topology> {
  const topology = localTopology();
  const ports = await freePorts(topology.organisations.length * 2);
  const organisations = topology.organisations.map((organisation, index) =>
    organisation.peer === undefined
      ? organisation
      : {
          ...organisation,
          peer: {
            ...organisation.peer,
            port: ports[index * 2] ?? 0,
            chaincodePort: ports[index * 2 + 1] ?? 0,
          },
        },
  );
  const { name, version } = topology.chaincode;
  const batch = { ...topology.batch, timeoutMs: 10 };
  return { ...topology, ...onFreePorts(topology), chaincode: { name, version }, batch, organisations };
}

/** The orderers, on ports that the system chooses. */
export function onFreePorts({ orderers }: LedgerTopology): Pick<LedgerTopology, 'orderers'> {
  return { orderers: orderers.map(({ host }) => ({ host, port: 0, adminPort: 0, operationsPort: 0 })) };
}

type WithPeer = Organisation & { peer: NonNullable<Organisation['peer']> };

export function withPeer(topology: Topology): WithPeer[] {
  return topology.organisations.filter((organisation): organisation is WithPeer => organisation.peer !== undefined);
}

export async function startChaincodes(
  topology: Topology,
  env: Record<string, Record<string, string>> = {},
): Promise<Map<string, ChaincodeProcess>> {
  const started = withPeer(topology).map(
    async ({ mspId, peer }) => [mspId, await startChaincode(peer.chaincodePort, env[mspId])] as const,
  );
  return new Map(await Promise.all(started));
}

async function openLedgers(
  dataDir: string,
  topology: Topology,
  signatures: SignatureCache,
): Promise<Map<string, MemoryPeerLedger>> {
  const genesis = genesisBlock({
    channel: topology.channel,
    msps: mspDefinitions(dataDir, topology, { includeOrderer: false }),
    policy: { endorsers: withPeer(topology).map(({ mspId }) => mspId), needed: topology.endorsementsNeeded },
  });
  const ledgers = new Map<string, MemoryPeerLedger>();
  for (const { mspId } of withPeer(topology)) {
    const ledger = new MemoryPeerLedger(mspId, {
      channel: topology.channel,
      chaincodes: [topology.chaincode.name],
      policy: { endorsers: withPeer(topology).map((peer) => peer.mspId), needed: topology.endorsementsNeeded },
      signatures,
    });
    await ledger.commit(genesis);
    ledgers.set(mspId, ledger);
  }
  return ledgers;
}

function peerMaterial(
  dataDir: string,
  { mspId, domain, peer }: Pick<WithPeer, 'mspId' | 'domain' | 'peer'>,
  ledgers: ReadonlyMap<string, MemoryPeerLedger>,
): Parameters<typeof startPeerNodes>[0]['peers'][number] {
  const identity = readPeerIdentity(dataDir, domain, peer.host);
  const tls = readTls(dataDir, domain, { kind: 'peer', host: peer.host });
  const ledger = ledgers.get(mspId);
  if (ledger === undefined) throw new Error(`no ledger of ${mspId}`);
  return {
    mspId,
    host: peer.host,
    port: peer.port,
    chaincodeAddress: `127.0.0.1:${peer.chaincodePort}`,
    identity: { mspId, serialized: serialiseIdentity(mspId, identity.certificatePem), privateKey: identity.privateKey },
    tls,
    ledger,
  };
}
