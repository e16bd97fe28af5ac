import type { common } from '@hyperledger/fabric-protos';
import { IdentitiesError, type Identity, readAdminIdentity } from '../identities/index.js';
import { ORDERER_DOMAIN, type Organisation } from '../topology.js';
import { updateChannel } from './channel-update.js';
import { BLOCK_READERS } from './channel-policies.js';
import { FabricError } from './fabric-error.js';
import type { FabricPlace } from './prepare-network.js';

/**
 * Makes an organisation a member of the running channel: its certificates and policies, and, where it has a peer, the
 * right to raw blocks. Who endorses, who agrees to definitions and who administers stays as it is.
 *
 * @param place.topology - with the organisation in it
 * @returns number of the configuration that names it
 * @throws FabricError CHANNEL_UPDATE_REFUSED
 */
export async function addToChannel(place: FabricPlace, organisation: Organisation): Promise<number> {
  const { mspId, peer } = organisation;
  return updateChannel(place, {
    what: `${mspId} joins`,
    signers: administrators(place),
    change: (config, generated) => {
      const application = groupOf(config, 'Application');
      const wanted = groupOf(generated, 'Application');
      if (!application.getGroupsMap().has(mspId)) application.getGroupsMap().set(mspId, groupOf(wanted, mspId));
      if (peer === undefined) return;
      copyPolicy(generated, config, 'Readers');
      copyPolicy(wanted, application, BLOCK_READERS);
    },
  });
}

/**
 * Administrators of a majority of the founders, and the ordering organisation's: together they may change everything.
 *
 * @throws FabricError CHANNEL_UPDATE_REFUSED when too few of their keys are in the data folder
 */
export function administrators({ topology, dataDir }: FabricPlace): readonly Identity[] {
  const founders = topology.organisations.filter(({ endorses }) => endorses);
  const needed = Math.floor(founders.length / 2) + 1;
  const signers = founders.flatMap(({ domain }) => adminWhereHeld(dataDir, domain)).slice(0, needed);
  if (signers.length < needed) {
    throw new FabricError(
      'CHANNEL_UPDATE_REFUSED',
      `${signers.length} of ${needed} administrators can sign here; bring the keys of a majority of ${founders.map(({ mspId }) => mspId).join(', ')} to this data folder.`,
    );
  }
  return [...signers, readAdminIdentity(dataDir, ORDERER_DOMAIN, 'orderer')];
}

/** A key that is elsewhere signs elsewhere. */
function adminWhereHeld(dataDir: string, domain: string): readonly Identity[] {
  try {
    return [readAdminIdentity(dataDir, domain)];
  } catch (error) {
    if (error instanceof IdentitiesError) return [];
    throw error;
  }
}

export function groupOf(group: common.ConfigGroup, name: string): common.ConfigGroup {
  const found: common.ConfigGroup | undefined = group.getGroupsMap().get(name);
  if (found === undefined) throw new Error(`invariant failed: the configuration has a group ${name}`);
  return found;
}

function copyPolicy(from: common.ConfigGroup, to: common.ConfigGroup, name: string): void {
  const wanted: common.ConfigPolicy | undefined = from.getPoliciesMap().get(name);
  const policy = wanted?.getPolicy();
  const current: common.ConfigPolicy | undefined = to.getPoliciesMap().get(name);
  if (policy === undefined || current === undefined) throw new Error(`invariant failed: there is a policy ${name}`);
  current.setPolicy(policy);
}
