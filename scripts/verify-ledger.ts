import { resolve } from 'node:path';
import { Command } from 'commander';
import { hasGateways } from '../network/topology.js';
import { networkContext, plainContext } from './network/network-context.js';
import { CannotLook } from './verify/cannot-look.js';
import type { CheckResult } from './verify/finding.js';
import { rebuildPeerState } from './verify/rebuild-peer-state.js';
import { linesOf, summaryLine } from './verify/report-lines.js';
import { verifyDataFolder } from './verify/verify-data-folder.js';
import { verifyPlainLedger } from './verify/verify-plain-ledger.js';

interface GivenOptions {
  readonly data: string;
  readonly json: boolean;
  readonly peer?: string;
  readonly vault: boolean;
  readonly custody: boolean;
  readonly decisions: boolean;
  readonly rebuild?: string;
}

const FOUND = 1;
const COULD_NOT_LOOK = 2;

const program = new Command('npm run verify-ledger --')
  .description(
    'Checks a data folder: blocks against their rules and each other, state and private data against blocks, and, of a ' +
      'consortium, lanes, register, consents, vault contents and key shares. It reads only, and may run beside the network. Exit code 0: all is as it should ' +
      'be; 1: something was found, one line each; 2: it could not look. docs/operations.md explains the findings.',
  )
  .option('--data <dir>', 'data folder', '.medledger')
  .option('--peer <msp>', 'look at the ledger of this peer only')
  .option('--no-vault', 'leave the vaults out')
  .option('--no-custody', 'leave key shares and release logs out')
  .option('--decisions', 'decide again, from the state as it was, what every block decided', false)
  .option('--rebuild <msp>', 'first make the state of this peer again from its blocks; the network must be stopped')
  .option('--json', 'print one JSON document instead of lines', false)
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : COULD_NOT_LOOK))
  .action(verify);

await program.parseAsync();

async function verify(given: GivenOptions): Promise<void> {
  const dataDir = resolve(given.data);
  const say = (line: string): void => {
    if (!given.json) process.stdout.write(`${line}\n`);
  };
  try {
    // As the folder itself says who takes part.
    const plain = plainContext({ data: dataDir, json: given.json })?.topology;
    const topology = plain ?? networkContext({ data: dataDir, json: given.json }).topology;
    if (given.rebuild !== undefined) say(await rebuildPeerState({ dataDir, topology, mspId: given.rebuild }));
    say(`Data folder ${dataDir}`);
    const onCheck = (result: CheckResult): void => {
      for (const line of linesOf(result)) say(line);
    };
    const chosen = { dataDir, onCheck, ...(given.peer === undefined ? {} : { mspId: given.peer }) };
    const { vault, custody, decisions } = given;
    const report = hasGateways(topology)
      ? await verifyDataFolder({ ...chosen, topology, vault, custody, decisions })
      : await verifyPlainLedger({ ...chosen, topology });
    if (report.running) say('A network runs on this folder: it was looked at as it was a moment ago.');
    say(summaryLine(report));
    if (given.json) process.stdout.write(`${JSON.stringify({ dataDir, ...report }, undefined, 2)}\n`);
    process.exitCode = report.ok ? 0 : FOUND;
  } catch (error) {
    process.exitCode = COULD_NOT_LOOK;
    const message = error instanceof CannotLook ? error.message : describeBug(error);
    process.stderr.write(`${message}\n`);
  }
}

function describeBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
