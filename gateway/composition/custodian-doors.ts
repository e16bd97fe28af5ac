import { type MspId, mspId } from '@medledger/chaincode/domain';
import type { Topology } from '../../network/topology.js';
import type { Custody } from '../custody/open-custody.js';
import type { InternalApi } from '../internal/internal-api.js';
import type { CustodianDoor } from '../services/custodians.js';

/** The custodians in the order of the topology, which is the order of the shares. */
export function custodianDoors(options: {
  topology: Topology;
  keys: ReadonlyMap<MspId, string>;
  own?: { mspId: string; custody: Custody };
  others: ReadonlyMap<string, InternalApi>;
}): readonly CustodianDoor[] {
  return options.topology.organisations.flatMap((organisation) => {
    const id = mspId(organisation.mspId, '/mspId');
    const custodianKey = options.keys.get(id);
    const door = options.own?.mspId === id ? options.own.custody : options.others.get(id);
    if (!organisation.custodian || custodianKey === undefined || door === undefined) return [];
    return [
      {
        mspId: id,
        custodianKey,
        depositShares: (deposit) => door.depositShares(deposit),
        releaseShares: (transactionId) => door.releaseShares(transactionId),
      },
    ];
  });
}
