import { FabricError } from '../../network/fabric/fabric-error.js';
import { publishConsenter } from '../../network/fabric/publish-consenters.js';
import { slugOf } from '../../network/fabric/members.js';
import { untilLed } from '../../network/fabric/operations.js';
import { channelOnOrderer } from '../../network/fabric/orderer-admin.js';
import type { FabricPlace } from '../../network/fabric/prepare-network.js';
import {
  authorityEnds,
  type CertificateEnd,
  type CertificateOwner,
  certificateEnds,
  certificateOwners,
  ensureFromFabricCa,
  renewCertificates,
} from '../../network/identities/index.js';
import type { Topology } from '../../network/topology.js';
import { peerHeights } from '../start/ledger-view.js';
import { restUrl } from '../start/network-plans.js';
import { lineProgress, type Progress } from '../start/progress.js';
import { type FabricRun, fabricRun } from './fabric-context.js';
import type { NetworkContext } from './network-context.js';
import { type RunningSupervisor, runningSupervisor } from './process-control.js';
import { until } from './until.js';

export interface RenewalOptions {
  /** MSP id; everybody's where left out. */
  readonly org?: string;
  /** Days until their end, from which on certificates are renewed. */
  readonly within: number;
}

export interface RenewedResult {
  /** Hosts whose certificates are new, in the order in which they were restarted. */
  readonly renewed: readonly string[];
  readonly elapsedMs: number;
}

interface Renewal {
  readonly context: NetworkContext;
  readonly withinMs: number;
  readonly supervisor: RunningSupervisor;
  readonly progress: Progress;
  /** Undefined on the embedded ledger. */
  readonly fabric: FabricPlace | undefined;
}

const DAY_MS = 86_400_000;
const CAUGHT_UP_MS = 60_000;

/**
 * Renews certificates that end soon, on the running network: one process after the other gets its new ones, is started
 * again and serves before the next one's turn comes. The embedded ledger is one process with all its peers.
 *
 * @throws FabricError NETWORK_NOT_RUNNING, ORGANISATION_INVALID, AUTHORITY_ENDS before anything is done;
 * CHANNEL_UPDATE_REFUSED
 */
export async function renew(context: NetworkContext, options: RenewalOptions): Promise<RenewedResult> {
  const startedAtMs = Date.now();
  const renewal = await renewalOf(context, options.within * DAY_MS);
  const owners = ownersIn(context.topology, options.org);
  const ending = owners.filter((owner) => certificateEnds(context.dataDir, owner).some((end) => isSoon(renewal, end)));
  requireAuthorities(renewal, ending);
  const [nodes, gateways] = [ending.filter(({ kind }) => kind !== 'gateway'), ending.filter(isGateway)];
  if (renewal.fabric === undefined) await renewEmbedded(renewal, nodes);
  else await renewNodes(renewal, renewal.fabric, { owners, nodes });
  for (const gateway of gateways) await renewGateway(renewal, gateway);
  const renewed = [...nodes, ...gateways].map(({ host }) => host);
  return { renewed, elapsedMs: Date.now() - startedAtMs };
}

export function renewedLines({ renewed, elapsedMs }: RenewedResult): readonly string[] {
  if (renewed.length === 0) return ['no certificate ends within the time; nothing was changed'];
  return [`${renewed.length} renewed after ${(elapsedMs / 1000).toFixed(1)} s: ${renewed.join(', ')}`];
}

async function renewalOf(context: NetworkContext, withinMs: number): Promise<Renewal> {
  if (context.ledger === 'fabric') {
    const { place, supervisor, progress }: FabricRun = await fabricRun(context, 'renew');
    return { context, withinMs, supervisor, progress, fabric: place };
  }
  const progress = lineProgress((text) => context.say(text.trimEnd()), Date.now);
  return { context, withinMs, supervisor: runningSupervisor(context), progress, fabric: undefined };
}

function ownersIn(topology: Topology, mspId: string | undefined): readonly CertificateOwner[] {
  const owners = certificateOwners(topology);
  if (mspId === undefined) return owners;
  const found = owners.filter((owner) => owner.mspId === mspId);
  if (found.length > 0) return found;
  const known = [...new Set(owners.map((owner) => owner.mspId))].join(', ');
  throw new FabricError('ORGANISATION_INVALID', `${mspId} is no organisation here; --org takes one of ${known}.`);
}

/** What they issue would not be good for as long as was asked for. */
function requireAuthorities(renewal: Renewal, owners: readonly CertificateOwner[]): void {
  const { topology, dataDir } = renewal.context;
  const mspIds = new Set(owners.map(({ mspId }) => mspId));
  const ending = authorityEnds(dataDir, topology).find((end) => mspIds.has(end.mspId) && isSoon(renewal, end));
  if (ending === undefined) return;
  throw new FabricError(
    'AUTHORITY_ENDS',
    `the authority ${ending.file} of ${ending.mspId} itself ends on ${new Date(ending.endsAtMs).toISOString()}; bring a new authority into the channel first, or choose fewer days with --within.`,
  );
}

function isSoon({ withinMs }: Renewal, { endsAtMs }: CertificateEnd): boolean {
  return endsAtMs <= Date.now() + withinMs;
}

function isGateway({ kind }: CertificateOwner): boolean {
  return kind === 'gateway';
}

async function renewNodes(
  renewal: Renewal,
  place: FabricPlace,
  { owners, nodes }: { readonly owners: readonly CertificateOwner[]; readonly nodes: readonly CertificateOwner[] },
): Promise<void> {
  // What a start renewed, or a renewal that was cut short, is in the folder and not in the channel.
  for (const { host } of owners.filter(({ kind }) => kind === 'orderer')) await publishConsenter(place, host);
  for (const node of nodes) await renewNode(renewal, place, node);
}

async function renewNode(renewal: Renewal, place: FabricPlace, owner: CertificateOwner): Promise<void> {
  await renewal.progress.step(owner.host, async () => {
    await newCertificates(renewal, owner);
    if (owner.kind === 'orderer') await renewOrderer(renewal, place, owner);
    else await restartPeer(renewal, owner);
  });
}

async function renewOrderer(renewal: Renewal, place: FabricPlace, { host }: CertificateOwner): Promise<void> {
  await publishConsenter(place, host);
  const { topology, dataDir } = place;
  const orderer = topology.orderers.find((candidate) => candidate.host === host);
  if (orderer === undefined) throw new Error(`invariant failed: ${host} is an orderer of the topology`);
  await restart(renewal, slugOf(host), { kind: 'port', port: orderer.port });
  const heightOf = async (asked: typeof orderer) =>
    (await channelOnOrderer(asked, { dataDir, channel: topology.channel }))?.height ?? 0;
  const others = topology.orderers.filter((candidate) => candidate.host !== host);
  const wanted = Math.max(0, ...(await Promise.all(others.map(heightOf))));
  await until(async () => (await heightOf(orderer)) >= wanted, CAUGHT_UP_MS, `${host} does not catch up; see its log.`);
  await untilLed(topology, dataDir);
}

async function restartPeer(renewal: Renewal, { domain, mspId }: CertificateOwner): Promise<void> {
  const { topology, dataDir } = renewal.context;
  const peer = topology.organisations.find((member) => member.mspId === mspId)?.peer;
  if (peer === undefined) throw new Error(`invariant failed: ${mspId} has a peer`);
  await restart(renewal, `chaincode-${slugOf(domain)}`, { kind: 'port', port: peer.chaincodePort });
  await restart(renewal, `peer-${slugOf(domain)}`, { kind: 'port', port: peer.port });
  const isCaughtUp = async () => {
    const heights = await peerHeights(topology, dataDir);
    const own = heights.find((height) => height.mspId === mspId)?.height ?? -1;
    return own >= Math.max(...heights.flatMap(({ height }) => (height === undefined ? [] : [height]))) - CLOSE_BLOCKS;
  };
  await until(isCaughtUp, CAUGHT_UP_MS, `the peer of ${mspId} does not catch up; see its log.`);
}

/** Under load another block comes while heights are read. */
const CLOSE_BLOCKS = 2;

async function renewEmbedded(renewal: Renewal, nodes: readonly CertificateOwner[]): Promise<void> {
  const peers = nodes.filter(({ kind }) => kind === 'peer');
  // Orderers of the topology are Fabric's: here their certificates serve nobody.
  for (const node of nodes) await newCertificates(renewal, node);
  if (peers.length === 0) return;
  const { topology, dataDir } = renewal.context;
  await renewal.progress.step('the ledger, with all its peers', async () => {
    for (const { domain, peer } of topology.organisations)
      if (peer !== undefined)
        await restart(renewal, `chaincode-${slugOf(domain)}`, { kind: 'port', port: peer.chaincodePort });
    const [first] = topology.organisations.flatMap(({ peer }) => (peer === undefined ? [] : [peer]));
    if (first === undefined) throw new Error('invariant failed: an organisation has a peer');
    await restart(renewal, 'ledger', { kind: 'port', port: first.port });
    const answer = async () => (await peerHeights(topology, dataDir)).every(({ height }) => height !== undefined);
    await until(answer, CAUGHT_UP_MS, 'the ledger does not answer; see its log.');
  });
}

async function renewGateway(renewal: Renewal, owner: CertificateOwner): Promise<void> {
  await newCertificates(renewal, owner);
  const name = `gateway-${slugOf(owner.domain)}`;
  // `network up` runs the ledger alone.
  if (renewal.supervisor.processes()[name] === undefined) return;
  const organisation = renewal.context.topology.organisations.find(({ mspId }) => mspId === owner.mspId);
  if (organisation === undefined) throw new Error(`invariant failed: ${owner.mspId} is in the topology`);
  await renewal.progress.step(owner.host, () =>
    restart(renewal, name, { kind: 'url', url: `${restUrl(organisation)}/readyz` }),
  );
}

function newCertificates({ context, withinMs }: Renewal, owner: CertificateOwner): Promise<void> {
  const { dataDir, topology } = context;
  const nowMs = Date.now();
  const organisation = topology.organisations.find(({ mspId }) => mspId === owner.mspId);
  if (organisation?.fabricCa === undefined) return renewCertificates(dataDir, owner, { nowMs, withinMs });
  return ensureFromFabricCa(organisation, organisation.fabricCa, { dataDir, nowMs, renewBeforeEndMs: withinMs });
}

async function restart(
  { supervisor }: Renewal,
  name: string,
  readiness: Parameters<RunningSupervisor['untilServing']>[1],
): Promise<void> {
  await supervisor.stop(name);
  supervisor.start();
  await supervisor.untilServing(name, readiness);
}
