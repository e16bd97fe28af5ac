/** What an operator does about a finding. docs/operations.md says the same at more length. */
export const REFILL = (peerFolder: string): string =>
  `Stop the network, move ${peerFolder} away and start it again: the peer is filled anew from the orderer's blocks.`;

export const REBUILD = (mspId: string): string =>
  `Stop the network and run npm run verify-ledger -- --rebuild ${mspId}: the state is made again from this peer's blocks.`;

export const STARTS_OVER = 'Start the network: the peer makes its state again from its blocks.';

export const CATCH_UP = 'Start the network: a peer that is behind is brought the blocks it lacks.';

export const ENDORSED =
  'The blocks say so too, so two organisations endorsed it: keep the data folder as evidence and show it to the other ' +
  'organisations. No rebuild takes it back.';

export const REPLACE_PEER = (mspId: string): string =>
  `Start the network and run npm run network -- replace-peer --org ${mspId}: a new peer takes and judges all blocks.`;

export const REFILL_FABRIC_ORDERER = (storeFolder: string): string =>
  `The other orderers have it. Stop the network, move ${storeFolder} away and start it again: the orderer is brought all ` +
  'blocks by the others. One orderer at a time, and only while most of them are sound.';

export const ORDERER =
  'The network goes on: only filling a peer anew needs this block. Keep every peer folder where it is; a backup of ' +
  'ledger/orderer helps only if no block was added since it was taken.';

export const VAULT_HEALS =
  'The node replaces it from another one when it is next read; if fewer than two whole copies are left, open the ' +
  'record once through this gateway, or restore the vault folder from a backup.';

export const VAULT_LOST =
  'Restore the vault folder of a node that held it from a backup; a second copy is made when another gateway reads it.';

export const START_KUBO =
  'Start the node, or correct VAULT_KUBO_URL: it must say for this check what it says for the gateways.';

export const SHARES =
  'The other custodians can still serve. Restore custody/ of this custodian from its backup, taken while it was stopped.';

export const SHARES_TOO_FEW =
  'Fewer than two custodians can give a share, so the record cannot be opened: restore custody/ from a backup.';

export const RELEASE_LOG =
  'Keep the file as evidence, restore the log from its backup and compare both; the gateway does not start with it.';

export const RELEASE_WITHOUT_ENTRY =
  'A share left this custodian without a committed permit: take the custodian off the network and find out how.';

export const DEFINITIONS_COPY =
  'Stop the network and bring ledger/definitions.json back from a copy of the data folder; without it nobody can tell by ' +
  'which policies the blocks were judged.';
