import { type Consensus, DEFAULT_CONSENSUS } from '../../network/topology.js';
import { recordedConsensus, requireConsensus } from './data-folder.js';
import type { LedgerKind } from './ledger-choice.js';
import { StartError } from './start-error.js';

/**
 * How the orderers agree: as the network in the data folder was made; in a new one as the option says, else by Raft.
 *
 * @throws StartError when the option contradicts the folder, or is given for a ledger that has one orderer
 */
export function chooseConsensus(
  dataDir: string,
  given: { readonly ledger: LedgerKind; readonly consensus?: Consensus },
): Consensus {
  const { ledger, consensus } = given;
  if (consensus !== undefined && ledger !== 'fabric') {
    throw new StartError('--consensus is for the orderers of real Fabric; leave it out, or add --ledger fabric.');
  }
  const made = recordedConsensus(dataDir);
  if (made !== undefined && consensus !== undefined) requireConsensus(dataDir, made, consensus);
  return made ?? consensus ?? DEFAULT_CONSENSUS;
}
