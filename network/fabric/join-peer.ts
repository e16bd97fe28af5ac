import { setTimeout as wait } from 'node:timers/promises';
import { deployDefinition, installPackage, memberOf, membersOf } from './bring-up.js';
import { FabricError } from './fabric-error.js';
import { type PeerOrganisation, peerOrganisations } from './members.js';
import { peerCommands } from './peer-commands.js';
import type { FabricPlace } from './prepare-network.js';
import type { Step } from './bring-up.js';

const POLL_MS = 100;
/** Of a peer that pulls every block from the first on: it goes on while blocks come. */
const STANDSTILL_MS = 60_000;

/**
 * Makes a peer that runs a full one of the channel: it has every block, the chaincode's package, and its organisation's
 * approval of the definition that is committed. What is there already is left alone.
 *
 * @throws FabricError
 */
export async function joinPeer(place: FabricPlace, organisation: PeerOrganisation, step: Step): Promise<void> {
  const member = memberOf(place, organisation);
  const others = peerOrganisations(place.topology).filter(({ mspId }) => mspId !== organisation.mspId);
  await step(`the peer of ${organisation.name} in the channel`, () => member.commands.join());
  await step('blocks of the others', async () => {
    const height = await highestOf(place, others);
    await untilHeight(() => member.commands.height(), height, organisation);
  });
  await step('chaincode package', () => installPackage(place, member));
  await step('chaincode definition', () => deployDefinition(membersOf(place), place.topology.chaincode.version));
}

/** As far as any of them is: one that does not answer is passed over. */
async function highestOf(place: FabricPlace, others: readonly PeerOrganisation[]): Promise<number> {
  const asked = await Promise.allSettled(others.map((other) => peerCommands(place, other).height()));
  return Math.max(0, ...asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])));
}

/** A peer refuses its own organisation until it has the block that takes the organisation in. */
function notYet(error: unknown): number {
  if (error instanceof FabricError && error.code === 'FABRIC_COMMAND_FAILED') return 0;
  throw error;
}

async function untilHeight(heightOf: () => Promise<number>, wanted: number, { name }: PeerOrganisation): Promise<void> {
  let reached = 0;
  let sinceMs = Date.now();
  while (reached < wanted) {
    await wait(POLL_MS);
    const height = await heightOf().catch(notYet);
    if (height > reached) sinceMs = Date.now();
    reached = Math.max(reached, height);
    if (Date.now() - sinceMs > STANDSTILL_MS) {
      throw new FabricError(
        'FABRIC_NOT_READY',
        `the peer of ${name} has ${reached} of ${wanted} blocks and got none for ${STANDSTILL_MS / 1000} s; see its log, and that an orderer runs.`,
      );
    }
  }
}
