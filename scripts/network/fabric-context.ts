import { FabricError } from '../../network/fabric/fabric-error.js';
import type { FabricPlace } from '../../network/fabric/prepare-network.js';
import { chooseLedger } from '../start/ledger-choice.js';
import { lineProgress, type Progress } from '../start/progress.js';
import type { NetworkContext } from './network-context.js';
import { type RunningSupervisor, runningSupervisor } from './process-control.js';

/** A running Fabric network, as the verbs need it that change it. */
export interface FabricRun {
  readonly place: FabricPlace;
  readonly supervisor: RunningSupervisor;
  readonly progress: Progress;
}

/**
 * @param verb - for the sentence
 * @throws FabricError NETWORK_NOT_RUNNING, also on the embedded ledger; FABRIC_BINARIES_MISSING
 */
export async function fabricRun(context: NetworkContext, verb: string): Promise<FabricRun> {
  const { ledger, bin, topology, dataDir, say } = context;
  if (ledger !== 'fabric') {
    throw new FabricError(
      'NETWORK_NOT_RUNNING',
      `${verb} is for a running Fabric network; ${dataDir} has the embedded ledger, whose members are those of its first start.`,
    );
  }
  const supervisor = runningSupervisor(context);
  const chosen = await chooseLedger(
    { ledger, consensus: topology.consensus, ...(bin === undefined ? {} : { bin }) },
    say,
  );
  if (chosen.kind !== 'fabric') throw new Error('invariant failed: Fabric was chosen');
  const progress = lineProgress((text) => say(text.trimEnd()), Date.now);
  return { place: { topology, dataDir, binaries: chosen.binaries }, supervisor, progress };
}
