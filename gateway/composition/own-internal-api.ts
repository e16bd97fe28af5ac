import { DomainError } from '@medledger/chaincode/domain';
import type { Custody } from '../custody/open-custody.js';
import type { InternalApi } from '../internal/internal-api.js';
import type { Attester } from '../services/receipts/attestation.js';
import type { VaultNode } from '../vault/vault-node.js';

/** What this gateway does for the gateways of other organisations. An organisation without a peer keeps no shares. */
export function ownInternalApi({
  custody,
  vault,
  attest,
}: {
  custody: Custody | undefined;
  vault: VaultNode;
  attest: Attester['attest'];
}): InternalApi {
  const requireCustody = (): Custody => {
    if (custody === undefined) throw new DomainError('NO_PEER', 'this organisation is no custodian');
    return custody;
  };
  return {
    depositShares: (deposit) => requireCustody().depositShares(deposit),
    releaseShares: (transactionId) => requireCustody().releaseShares(transactionId),
    attest,
    storeObjects: (objects) => vault.put(objects),
    readObject: (cid) => vault.getLocal(cid),
    vaultAddresses: async () => vault.addresses(),
  };
}
