import { bringUpChannel } from '../../network/fabric/bring-up.js';
import { chooseLedger } from '../start/ledger-choice.js';
import { lineProgress } from '../start/progress.js';
import { StartError } from '../start/start-error.js';
import { type DeployOptions, deployChaincode } from './plain-verbs.js';
import { isHeld, type NetworkContext } from './network-context.js';

/**
 * Installs, approves and commits what of the chaincode's definition is missing on the running network. A new version
 * takes the next sequence; its services have to run, so a new version begins with a restart, which deploys by itself.
 *
 * @throws StartError, FabricError
 */
export async function deploy(context: NetworkContext, options: DeployOptions): Promise<void> {
  const { ledger: kind, bin, topology, dataDir, say } = context;
  if (kind === 'devledger' && options.name !== undefined) {
    await deployChaincode(context, options);
    return;
  }
  if (kind === 'devledger') {
    say("the embedded ledger takes the consortium's chaincode as its services run it; --name deploys another one");
    return;
  }
  if (!isHeld(dataDir)) throw new StartError('No network runs on this folder; bring it up first: up deploys as well.');
  const ledger = await chooseLedger({ ledger: kind, consensus: topology.consensus, bin }, say);
  if (ledger.kind !== 'fabric') return;
  const progress = lineProgress((text) => say(text.trimEnd()), Date.now);
  await bringUpChannel({ topology, dataDir, binaries: ledger.binaries }, progress.step);
}
