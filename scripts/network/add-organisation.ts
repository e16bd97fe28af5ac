import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { readAddedOrganisations, writeAddedOrganisation } from '../../network/added-organisations.js';
import { type NewOrganisation, parseNewOrganisation } from '../../network/consortium/new-organisation.js';
import { addToChannel } from '../../network/fabric/add-organisation.js';
import { FabricError } from '../../network/fabric/fabric-error.js';
import { joinPeer } from '../../network/fabric/join-peer.js';
import { type PeerOrganisation, peerOrganisations, slugOf } from '../../network/fabric/members.js';
import { type FabricPlace, preparePeer } from '../../network/fabric/prepare-network.js';
import { ensureIdentities } from '../../network/identities/index.js';
import type { Organisation, Topology } from '../../network/topology.js';
import { restUrl } from '../start/network-plans.js';
import { fabricPortsOf, isFree, portsOf } from '../start/ports.js';
import { type FabricRun, fabricRun } from './fabric-context.js';
import type { NetworkContext } from './network-context.js';
import { type Registration, registerOrganisation } from './register-organisation.js';

export interface AddedResult {
  readonly mspId: string;
  /** Number of the channel's configuration that names it. */
  readonly configSequence: number;
  readonly register: Registration;
  /** REST; absent where no gateways run. */
  readonly gatewayUrl?: string;
  readonly endorsement: string;
  readonly elapsedMs: number;
}

/**
 * Takes an organisation into the running network, while it runs: certificates, channel, peer with everything on it,
 * register, gateway. Run again with the same file it goes on where it was cut short, and does nothing when all is there.
 *
 * @throws FabricError, LedgerFailure, StartError; what was done until then stays, and harms nothing
 */
export async function addOrganisation(context: NetworkContext, file: string): Promise<AddedResult> {
  const startedAtMs = Date.now();
  const run = await fabricRun(context, 'add-org');
  const joining = readNewOrganisation(file);
  const { organisation } = joining;
  const { topology, isNew } = withJoining(context, organisation);
  if (isNew) await requireFree(topology, organisation);
  const place: FabricPlace = { ...run.place, topology };
  const { step } = run.progress;
  await step('certificates', () => ensureIdentities(topology, place.dataDir));
  const configSequence = await step('channel configuration, signed by a majority', () =>
    addToChannel(place, organisation),
  );
  const addedAt = addedAtOf(context, organisation) ?? new Date().toISOString();
  if (isNew) writeAddedOrganisation(place.dataDir, { organisation, stage: 'joining', addedAt });
  for (const member of peerOrganisations(topology))
    if (member.mspId === organisation.mspId) await startPeer({ ...run, place }, member);
  const register = await step('register of the consortium', () => registerOrganisation(place, joining));
  writeAddedOrganisation(place.dataDir, { organisation, stage: 'serving', addedAt });
  const gatewayUrl = await startGateway(run, organisation);
  return {
    mspId: organisation.mspId,
    configSequence,
    register,
    ...(gatewayUrl === undefined ? {} : { gatewayUrl }),
    endorsement: endorsementText(topology),
    elapsedMs: Date.now() - startedAtMs,
  };
}

export function addedLines({
  mspId,
  configSequence,
  gatewayUrl,
  endorsement,
  elapsedMs,
}: AddedResult): readonly string[] {
  return [
    `${mspId} is a member since configuration ${configSequence} of the channel`,
    `endorsement stays ${endorsement}; ${mspId} reads, submits and checks, and decides nothing`,
    ...(gatewayUrl === undefined ? [] : [`its gateway: ${gatewayUrl}`]),
    `added after ${(elapsedMs / 1000).toFixed(1)} s`,
  ];
}

/** @throws FabricError ORGANISATION_INVALID */
function readNewOrganisation(file: string): NewOrganisation {
  try {
    return parseNewOrganisation(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FabricError('ORGANISATION_INVALID', `${file} does not describe an organisation: ${reason}`, { cause });
  }
}

/** @throws FabricError ORGANISATION_TAKEN, ORGANISATION_INVALID */
function withJoining(
  { topology, dataDir }: NetworkContext,
  organisation: Organisation,
): { readonly topology: Topology; readonly isNew: boolean } {
  const { mspId, domain, gateway } = organisation;
  const known = topology.organisations.find((member) => member.mspId === mspId || member.domain === domain);
  const added = readAddedOrganisations(dataDir).find((member) => member.organisation.mspId === mspId);
  if (added !== undefined && isDeepStrictEqual(added.organisation, organisation)) return { topology, isNew: false };
  if (known !== undefined) {
    throw new FabricError(
      'ORGANISATION_TAKEN',
      `${known.mspId} (${known.domain}) is a member already, with other values; choose another mspId and domain.`,
    );
  }
  const host = topology.organisations.find((member) => member.mspId === gateway.peerMspId);
  if (organisation.peer === undefined && host?.peer === undefined) {
    throw new FabricError(
      'ORGANISATION_INVALID',
      'without a peer, `through` must name the member whose peer the gateway goes through.',
    );
  }
  return { topology: { ...topology, organisations: [...topology.organisations, organisation] }, isNew: true };
}

/** @throws FabricError PORT_TAKEN */
async function requireFree(topology: Topology, organisation: Organisation): Promise<void> {
  const all = [...portsOf(topology), ...fabricPortsOf(topology)];
  const own = { ...topology, orderers: [], organisations: [organisation] };
  for (const { port, owner } of [...portsOf(own), ...fabricPortsOf(own)]) {
    const other = all.find((named) => named.port === port && named.owner !== owner);
    if (other === undefined && (await isFree(port))) continue;
    throw new FabricError(
      'PORT_TAKEN',
      `port ${port}, which is for ${owner}, is ${other === undefined ? 'taken' : `for ${other.owner}`}; choose another one in the file.`,
    );
  }
}

function addedAtOf({ dataDir }: NetworkContext, { mspId }: Organisation): string | undefined {
  return readAddedOrganisations(dataDir).find(({ organisation }) => organisation.mspId === mspId)?.addedAt;
}

async function startPeer({ place, supervisor, progress }: FabricRun, organisation: PeerOrganisation): Promise<void> {
  preparePeer(place.dataDir, organisation);
  await progress.step('peer and chaincode started', async () => {
    supervisor.start();
    const slug = slugOf(organisation.domain);
    const { port, chaincodePort } = organisation.peer;
    await supervisor.untilServing(`chaincode-${slug}`, { kind: 'port', port: chaincodePort });
    await supervisor.untilServing(`peer-${slug}`, { kind: 'port', port });
  });
  await joinPeer(place, organisation, progress.step);
}

/** @returns undefined where the ledger runs by itself */
async function startGateway(
  { supervisor, progress }: FabricRun,
  organisation: Organisation,
): Promise<string | undefined> {
  const hasGateways = Object.keys(supervisor.processes()).some((name) => name.startsWith('gateway-'));
  if (!hasGateways) return undefined;
  const url = restUrl(organisation);
  await progress.step('gateway', async () => {
    supervisor.start();
    const name = `gateway-${slugOf(organisation.domain)}`;
    await supervisor.untilServing(name, { kind: 'url', url: `${url}/readyz` });
  });
  return url;
}

function endorsementText({ organisations, endorsementsNeeded }: Topology): string {
  const mspIds = organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
  return `OutOf(${endorsementsNeeded}, ${mspIds.join(', ')})`;
}
