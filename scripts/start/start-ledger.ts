import { bringUpChannel } from '../../network/fabric/bring-up.js';
import { prepareNetwork } from '../../network/fabric/prepare-network.js';
import type { Topology } from '../../network/topology.js';
import type { LedgerChoice } from './ledger-choice.js';
import type { NetworkPlans } from './network-plans.js';
import type { Progress } from './progress.js';
import type { Supervisor } from './supervisor.js';

export interface LedgerStart {
  readonly ledger: LedgerChoice;
  readonly topology: Topology;
  /** Holds the certificates already. */
  readonly dataDir: string;
  readonly plans: Pick<NetworkPlans, 'chaincode' | 'ledger'>;
  readonly supervisor: Supervisor;
  readonly progress: Progress;
}

/**
 * Starts the ledger and the chaincode services. On return the channel takes transactions.
 *
 * @throws StartError, FabricError
 */
export async function startLedger(start: LedgerStart): Promise<void> {
  const { ledger, topology, dataDir, plans, supervisor, progress } = start;
  if (ledger.kind === 'devledger') {
    await progress.step('ledger and chaincode', async () => {
      await supervisor.startGroup(plans.chaincode);
      await supervisor.startGroup(plans.ledger);
    });
    return;
  }
  const place = { topology, dataDir, binaries: ledger.binaries };
  await progress.step('configuration and first block', () => prepareNetwork(place));
  await progress.step('orderers, peers and chaincode', async () => {
    await Promise.all([supervisor.startGroup(plans.chaincode), supervisor.startGroup(plans.ledger)]);
  });
  await bringUpChannel(place, progress.step);
}
