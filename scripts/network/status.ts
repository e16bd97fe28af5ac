import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { leaderOf } from '../../network/fabric/operations.js';
import { channelOnOrderer } from '../../network/fabric/orderer-admin.js';
import {
  mspKeyPair,
  nodeFolder,
  organisationFolder,
  tlsPaths,
  type OrganisationKind,
} from '../../network/identities/index.js';
import { type Consensus, ORDERER_DOMAIN, type Orderer } from '../../network/topology.js';
import { join } from 'node:path';
import { peerHeights } from '../start/ledger-view.js';
import { isHeld, type NetworkContext, runningProcesses } from './network-context.js';

export interface NetworkStatus {
  readonly running: boolean;
  readonly ledger: string;
  /** How the orderers agree; absent for the embedded ledger, which has one. */
  readonly consensus?: Consensus;
  /** Process ids by name. */
  readonly processes: Readonly<Record<string, number>>;
  readonly peers: readonly PeerStatus[];
  readonly orderers: readonly OrdererStatus[];
  /** The certificate of a node that ends first. */
  readonly certificates: { readonly host: string; readonly endsAt: string } | undefined;
}

export interface PeerStatus {
  readonly mspId: string;
  /** Number of blocks; absent when the peer does not answer. */
  readonly height?: number;
  /** Blocks that the highest peer has and this one has not. */
  readonly lag?: number;
}

export interface OrdererStatus {
  readonly host: string;
  readonly height?: number;
  readonly isLeader: boolean;
  /** What it is to the channel: `consenter`, or `follower`; absent when it does not answer. */
  readonly relation?: string;
}

/** How the network of the folder is at this moment. */
export async function networkStatus(context: NetworkContext): Promise<NetworkStatus> {
  const { dataDir, ledger, topology } = context;
  const running = isHeld(dataDir);
  const common = {
    running,
    ledger,
    ...(ledger === 'fabric' ? { consensus: topology.consensus } : {}),
    processes: runningProcesses(dataDir),
    certificates: firstToEnd(context),
  };
  if (!running) return { ...common, peers: [], orderers: [] };
  const heights = await peerHeights(topology, dataDir);
  const top = Math.max(0, ...heights.map(({ height }) => height ?? 0));
  const peers = heights.map(({ mspId, height }) =>
    height === undefined ? { mspId } : { mspId, height, lag: top - height },
  );
  return { ...common, peers, orderers: ledger === 'fabric' ? await ordererStatuses(context) : [] };
}

export function statusLines(status: NetworkStatus): readonly string[] {
  const { running, processes, peers, orderers, certificates } = status;
  const ledger = status.consensus === undefined ? status.ledger : `${status.ledger}, orderers by ${status.consensus}`;
  const ends =
    certificates === undefined ? [] : [`first certificate to end: ${certificates.host}, ${certificates.endsAt}`];
  if (!running) return [`no network runs on this folder (ledger: ${ledger})`, ...ends];
  return [
    `ledger: ${ledger}`,
    ...peers.map(({ mspId, height, lag }) => `peer of ${mspId.padEnd(16)} ${heightText(height)}${lagText(lag)}`),
    ...orderers.map(
      ({ host, height, relation, isLeader }) =>
        `${host.padEnd(30)} ${heightText(height)}${relation === undefined ? '' : `, ${relation}`}${isLeader ? ', leads' : ''}`,
    ),
    ...Object.entries(processes).map(([name, pid]) => `${name.padEnd(24)} process ${pid}`),
    ...ends,
  ];
}

async function ordererStatuses({ topology, dataDir }: NetworkContext): Promise<readonly OrdererStatus[]> {
  const leader = await leaderOf(topology, dataDir);
  const statusOf = async (orderer: Orderer): Promise<OrdererStatus> => {
    const { host } = orderer;
    const isLeader = host === leader;
    try {
      const found = await channelOnOrderer(orderer, { dataDir, channel: topology.channel });
      if (found === undefined) return { host, isLeader };
      return { host, isLeader, height: found.height, relation: found.consensusRelation };
    } catch {
      // One that is down is told as one without a height.
      return { host, isLeader };
    }
  };
  return Promise.all(topology.orderers.map(statusOf));
}

/** Certificates of peers and, on Fabric, of orderers: identities and TLS. */
function firstToEnd({ dataDir, topology, ledger }: NetworkContext): NetworkStatus['certificates'] {
  const peers = topology.organisations.flatMap(({ domain, peer }) =>
    peer === undefined ? [] : [{ domain, host: peer.host, kind: 'peer' as const }],
  );
  const orderers = topology.orderers.map(({ host }) => ({ domain: ORDERER_DOMAIN, host, kind: 'orderer' as const }));
  const nodes = ledger === 'fabric' ? [...peers, ...orderers] : peers;
  const ends = nodes.flatMap((node) => endsOf(dataDir, node));
  return ends.sort((left, right) => left.endsAt.localeCompare(right.endsAt))[0];
}

function endsOf(dataDir: string, node: { domain: string; host: string; kind: OrganisationKind }) {
  const folder = nodeFolder(organisationFolder(dataDir, node.domain, node.kind), node.host, node.kind);
  const files = [mspKeyPair(join(folder, 'msp'), node.host).certificate, tlsPaths(folder).certificate];
  return files.filter(existsSync).map((file) => {
    const { validToDate } = new X509Certificate(readFileSync(file));
    return { host: node.host, endsAt: validToDate.toISOString() };
  });
}

function heightText(height: number | undefined): string {
  return height === undefined ? 'does not answer' : `${height} blocks`;
}

function lagText(lag: number | undefined): string {
  return lag === undefined || lag === 0 ? '' : `, ${lag} behind`;
}
