import type { common } from '@hyperledger/fabric-protos';
import { readAdminIdentity } from '../identities/index.js';
import type { Organisation } from '../topology.js';
import { groupOf } from './add-organisation.js';
import { updateChannel } from './channel-update.js';
import type { FabricPlace } from './prepare-network.js';

const MSP = 'MSP';

/**
 * Puts the certificates of an organisation, and what its authority has taken back, into the running channel as they are
 * in its folder. Its own administrator may do so; peers and orderers go by it from the block on that holds it.
 *
 * @returns number of the configuration that has them
 * @throws FabricError CHANNEL_UPDATE_REFUSED
 */
export async function publishRevocations(place: FabricPlace, { mspId, domain }: Organisation): Promise<number> {
  return updateChannel(place, {
    what: `revocations of ${mspId}`,
    signers: [readAdminIdentity(place.dataDir, domain)],
    change: (config, generated) => {
      const wanted = mspOf(groupOf(groupOf(generated, 'Application'), mspId));
      mspOf(groupOf(groupOf(config, 'Application'), mspId)).setValue(wanted.getValue_asU8());
    },
  });
}

function mspOf(group: common.ConfigGroup): common.ConfigValue {
  const value: common.ConfigValue | undefined = group.getValuesMap().get(MSP);
  if (value === undefined) throw new Error('invariant failed: an organisation has certificates');
  return value;
}
