import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { type Consensus, CONSENSUS_KINDS } from '../../network/topology.js';
import { chooseLedger, LEDGER_KINDS, type LedgerKind } from '../start/ledger-choice.js';
import { oneLine } from '../start/one-line.js';
import { lineProgress } from '../start/progress.js';
import { startNetwork } from '../start/start-network.js';

/** The supervisor behind `network up`: runs the ledger and its chaincode services until it is asked to stop. */

interface GivenOptions {
  readonly data: string;
  readonly portBase: string;
  readonly ledger: LedgerKind;
  readonly consensus: Consensus;
  readonly bin?: string;
  readonly topology?: string;
}

/** Compiled, this file is dist/scripts/network/run-ledger.js. */
const PROJECT_DIR = fileURLToPath(new URL('../../..', import.meta.url));

const program = new Command('run-ledger')
  .requiredOption('--data <dir>')
  .requiredOption('--port-base <port>')
  .addOption(new Option('--ledger <kind>').choices(LEDGER_KINDS).makeOptionMandatory())
  .addOption(new Option('--consensus <kind>').choices(CONSENSUS_KINDS).makeOptionMandatory())
  .option('--bin <dir>')
  .option('--topology <file>')
  .action(run);

await program.parseAsync();

async function run(given: GivenOptions): Promise<void> {
  const progress = lineProgress((text) => process.stdout.write(text), Date.now);
  try {
    const ledger = await chooseLedger(given, progress.say);
    const portBase = Number(given.portBase);
    const options = { projectDir: PROJECT_DIR, dataDir: given.data, portBase, ledger, seed: false, doctors: 0 };
    const described = given.topology === undefined ? {} : { topologyFile: given.topology };
    await startNetwork({ ...options, ...described, ledgerOnly: true }, progress);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${oneLine(error)}\n`);
    process.exit(1);
  }
}
