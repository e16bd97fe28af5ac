import { leaderOf } from '../../network/fabric/operations.js';
import { channelOnOrderer } from '../../network/fabric/orderer-admin.js';
import {
  authorityEnds,
  type CertificateEnd,
  certificateEnds,
  certificateOwners,
} from '../../network/identities/index.js';
import type { Consensus, Orderer } from '../../network/topology.js';
import { peerHeights } from '../start/ledger-view.js';
import { isHeld, type NetworkContext, runningProcesses } from './network-context.js';

/** As early as a start would renew them. */
const WARN_BEFORE_END_MS = 60 * 86_400_000;

export interface NetworkStatus {
  readonly running: boolean;
  readonly ledger: string;
  /** How the orderers agree; absent for the embedded ledger, which has one. */
  readonly consensus?: Consensus;
  /** Process ids by name. */
  readonly processes: Readonly<Record<string, number>>;
  readonly peers: readonly PeerStatus[];
  readonly orderers: readonly OrdererStatus[];
  /** The certificate that ends first. */
  readonly certificates: { readonly host: string; readonly endsAt: string } | undefined;
  /** Certificates that end soon, and what to do. */
  readonly warnings: readonly string[];
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
  const ends = endsInOrder(context);
  const [first] = ends;
  const common = {
    running,
    ledger,
    ...(ledger === 'fabric' ? { consensus: topology.consensus } : {}),
    processes: runningProcesses(dataDir),
    certificates: first === undefined ? undefined : { host: first.host, endsAt: isoTime(first.endsAtMs) },
    warnings: warningsOf(ends),
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
  const { running, processes, peers, orderers, certificates, warnings } = status;
  const ledger = status.consensus === undefined ? status.ledger : `${status.ledger}, orderers by ${status.consensus}`;
  const first =
    certificates === undefined ? [] : [`first certificate to end: ${certificates.host}, ${certificates.endsAt}`];
  const ends = [...first, ...warnings.map((warning) => `WARNING ${warning}`)];
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

interface NamedEnd extends CertificateEnd {
  readonly host: string;
}

/** Certificates of services and authorities, the first to end first; orderers have them on Fabric alone. */
function endsInOrder({ dataDir, topology, ledger }: NetworkContext): readonly NamedEnd[] {
  const owners = certificateOwners(topology).filter(({ kind }) => kind !== 'orderer' || ledger === 'fabric');
  const services = owners.flatMap((owner) => {
    const { host } = owner;
    return certificateEnds(dataDir, owner).map((end) => ({ ...end, host }));
  });
  const authorities = authorityEnds(dataDir, topology).map((end) => ({ ...end, host: `an authority of ${end.mspId}` }));
  return [...services, ...authorities].sort((left, right) => left.endsAtMs - right.endsAtMs);
}

function warningsOf(ends: readonly NamedEnd[]): readonly string[] {
  const soonMs = Date.now() + WARN_BEFORE_END_MS;
  return ends
    .filter(({ endsAtMs }) => endsAtMs <= soonMs)
    .map(({ host, file, endsAtMs }) => `${host}: ${file} ends on ${isoTime(endsAtMs)}; npm run network -- renew`);
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function heightText(height: number | undefined): string {
  return height === undefined ? 'does not answer' : `${height} blocks`;
}

function lagText(lag: number | undefined): string {
  return lag === undefined || lag === 0 ? '' : `, ${lag} behind`;
}
