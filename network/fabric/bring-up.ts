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

/** A peer's organisation and what is asked of it. */
export interface Member {
  readonly organisation: PeerOrganisation;
  readonly commands: PeerCommands;
  readonly packageId: string;
}

export function membersOf(place: FabricPlace): readonly Member[] {
  return peerOrganisations(place.topology).map((organisation) => memberOf(place, organisation));
}

export function memberOf(place: FabricPlace, organisation: PeerOrganisation): Member {
  return {
    organisation,
    commands: peerCommands(place, organisation),
    packageId: chaincodePackage(place.topology, organisation.peer).id,
  };
}

async function installPackages(place: FabricPlace, members: readonly Member[]): Promise<void> {
  await Promise.all(members.map((member) => installPackage(place, member)));
}

/** Does nothing where the peer has it. */
export async function installPackage({ topology, dataDir }: FabricPlace, member: Member): Promise<void> {
  const { organisation, commands, packageId } = member;
  const installed = await commands.installedPackageIds();
  if (installed.includes(packageId)) return;
  const path = packageFile(dataDir, organisation.peer.host);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, chaincodePackage(topology, organisation.peer).bytes);
  await commands.install();
}

/**
 * Approved by every organisation with its own package, committed once; a new version takes the next sequence. So does a
 * definition that was approved by a peer which is lost: Fabric lets nobody approve the same one twice.
 */
export async function deployDefinition(members: readonly Member[], version: string): Promise<void> {
  const [first] = members;
  if (first === undefined) throw new Error('invariant failed: an organisation has a peer');
  const committed = await first.commands.committed();
  let definition = nextDefinition(committed, version);
  if (!(await approvedByAll(members, definition))) {
    definition = { version, sequence: definition.sequence + 1 };
    await approvedByAll(members, definition);
  }
  if (committed?.sequence !== definition.sequence) await first.commands.commit(definition);
}

/** @returns false when a peer has lost the approval of its organisation */
async function approvedByAll(members: readonly Member[], definition: Definition): Promise<boolean> {
  const approvals = await Promise.all(members.map((member) => approveDefinition(member, definition)));
  return !approvals.includes('lost');
}

/** The committed definition where it is of this version, else the one after it. */
export function nextDefinition(committed: Definition | undefined, version: string): Definition {
  if (committed?.version === version) return committed;
  return { version, sequence: (committed?.sequence ?? 0) + 1 };
}

/** For the member's organisation, with its own package; once. */
async function approveDefinition(
  { commands, packageId }: Member,
  definition: Definition,
): Promise<'approved' | 'lost'> {
  const approval = await commands.approval(definition.sequence);
  if (approval.kind === 'lost') return 'lost';
  if (approval.kind === 'none' || approval.packageId !== packageId) await commands.approve(definition, packageId);
  return 'approved';
}
