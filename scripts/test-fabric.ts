import { spawn } from 'node:child_process';
import { binariesMissing } from '../network/fabric/binaries.js';
import { findLedger } from './start/ledger-choice.js';

const JEST = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];
/** What describes the product over an endpoint, whichever ledger is behind it. */
const SUITES = ['test/journeys', 'test/conformance', 'test/scripts/network', 'test/network/fabric-data'];

const found = findLedger(undefined);
if (found === undefined) {
  console.error(binariesMissing().message);
  process.exitCode = 1;
} else {
  const env = { ...process.env, MEDLEDGER_LEDGER: 'fabric', FABRIC_BIN: found.folder };
  // One network at a time: each journey runs a whole consortium.
  const args = [...JEST, '--runInBand', ...SUITES, ...process.argv.slice(2)];
  const tests = spawn(process.execPath, args, { env, stdio: 'inherit' });
  tests.on('exit', (status) => process.exit(status ?? 1));
}
