import { Command, Option } from 'commander';
import { binariesMissing } from '../network/fabric/binaries.js';
import { type Consensus, CONSENSUS_KINDS, DEFAULT_CONSENSUS } from '../network/topology.js';
import { findLedger } from './start/ledger-choice.js';
import { runJest } from './tests/run-jest.js';

/** What describes the product over an endpoint, whichever ledger is behind it. */
const SUITES = [
  'test/journeys',
  'test/conformance',
  'test/scripts/network',
  'test/network/fabric-data',
  'test/network/fabric-tools',
];

await new Command('npm run test:fabric --')
  .description('Journeys and conformance on real Fabric. Whatever it does not know is handed on to jest.')
  .addOption(
    new Option('--consensus <kind>', 'how the orderers agree')
      .choices(CONSENSUS_KINDS)
      .env('MEDLEDGER_CONSENSUS')
      .default(DEFAULT_CONSENSUS),
  )
  .argument('[jest...]')
  .allowUnknownOption()
  .action(test)
  .parseAsync();

async function test(given: readonly string[], { consensus }: { readonly consensus: Consensus }): Promise<void> {
  const found = findLedger(undefined);
  if (found === undefined) {
    console.error(binariesMissing().message);
    process.exitCode = 1;
    return;
  }
  const env = {
    MEDLEDGER_LEDGER: 'fabric',
    MEDLEDGER_CONSENSUS: consensus,
    FABRIC_BIN: found.folder,
  };
  // One network at a time: each journey runs a whole consortium.
  process.exit(await runJest(['--runInBand', ...SUITES, ...given], env));
}
