import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chaincodePackage } from './chaincode-package.js';
import { packageFile } from './fabric-paths.js';
import { type PeerOrganisation, peerOrganisations } from './members.js';
import { untilLed } from './operations.js';
import { joinOrderer } from './orderer-admin.js';
import { type Definition, type PeerCommands, peerCommands } from './peer-commands.js';
import type { FabricPlace } from './prepare-network.js';

/** Does a piece of work and tells somebody what it was and how long it took. */
export type Step = <T>(what: string, work: () => Promise<T>) => Promise<T>;

/**
 * Makes a working channel of nodes that run: orderers and peers in it, the chaincode installed, approved by each
 * organisation and committed. What is there already is left alone, so that it may be run again at any time.
 *
 * @throws FabricError
 */
export async function bringUpChannel(place: FabricPlace, step: Step): Promise<void> {
  const { topology, dataDir } = place;
  const members = membersOf(place);
  await step('orderers and peers in the channel', async () => {
    const joinedOrderers = topology.orderers.map((orderer) =>
      joinOrderer(orderer, { dataDir, channel: topology.channel }),
    );
    await Promise.all([...joinedOrderers, ...members.map(({ commands }) => commands.join())]);
  });
  await step('chaincode packages installed', () => installPackages(place, members));
  // Before there is a leader an orderer turns transactions down.
  await step('a leader of the orderers', () => untilLed(topology, dataDir));
  await step('chaincode definition', () => deployDefinition(members, topology.chaincode.version));
}

interface Member {
  readonly organisation: PeerOrganisation;
  readonly commands: PeerCommands;
  readonly packageId: string;
}

function membersOf(place: FabricPlace): readonly Member[] {
  return peerOrganisations(place.topology).map((organisation) => ({
    organisation,
    commands: peerCommands(place, organisation),
    packageId: chaincodePackage(place.topology, organisation.peer).id,
  }));
}

async function installPackages({ topology, dataDir }: FabricPlace, members: readonly Member[]): Promise<void> {
  const install = async ({ organisation, commands, packageId }: Member) => {
    const installed = await commands.installedPackageIds();
    if (installed.includes(packageId)) return;
    const path = packageFile(dataDir, organisation.peer.host);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, chaincodePackage(topology, organisation.peer).bytes);
    await commands.install();
  };
  await Promise.all(members.map(install));
}

/** Approved by every organisation with its own package, committed once; a new version takes the next sequence. */
async function deployDefinition(members: readonly Member[], version: string): Promise<void> {
  const [first] = members;
  if (first === undefined) throw new Error('invariant failed: an organisation has a peer');
  const committed = await first.commands.committed();
  const definition = nextDefinition(committed, version);
  await Promise.all(members.map((member) => approve(member, definition)));
  if (committed?.sequence !== definition.sequence) await first.commands.commit(definition);
}

/** The committed definition where it is of this version, else the one after it. */
export function nextDefinition(committed: Definition | undefined, version: string): Definition {
  if (committed?.version === version) return committed;
  return { version, sequence: (committed?.sequence ?? 0) + 1 };
}

async function approve({ commands, packageId }: Member, definition: Definition): Promise<void> {
  if ((await commands.approvedPackageId(definition.sequence)) === packageId) return;
  await commands.approve(definition, packageId);
}
