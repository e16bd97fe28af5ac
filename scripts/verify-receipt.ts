import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { localTopology } from '../network/topology.js';
import { checkReceipt, type ReceiptReport } from './receipt/check-receipt.js';
import { readMembers } from './receipt/msp-folder.js';
import { CannotLook } from './verify/cannot-look.js';

interface GivenOptions {
  readonly msp: string;
  readonly json: boolean;
  readonly endorsers?: readonly string[];
  readonly needed?: string;
}

const NOT_GOOD = 1;
const COULD_NOT_LOOK = 2;

const program = new Command('npm run verify-receipt --')
  .description(
    "Checks the receipt of one decision with nothing but the certificates of the members' authorities: no network, no " +
      'ledger, no gateway. Exit code 0: everything in it is as it says; 1: something is not, one line each; 2: it could ' +
      'not look. docs/operations.md explains the checks.',
  )
  .argument('<file>', 'the receipt, as the gateway gave it')
  .requiredOption('--msp <dir>', 'folder with <mspId>/cacerts/*.pem, or a network’s organizations/, or its data folder')
  .option('--endorsers <msp...>', 'organisations whose peers endorse; default: those of this installation')
  .option('--needed <count>', 'how many of them must have endorsed and attested; default: as in this installation')
  .option('--json', 'print one JSON document instead of lines', false)
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : COULD_NOT_LOOK))
  .action(verify);

await program.parseAsync();

function verify(file: string, given: GivenOptions): void {
  try {
    const report = checkReceipt(readReceiptFile(file), {
      members: readMembers(resolve(given.msp)),
      rules: rulesOf(given),
    });
    process.stdout.write(given.json ? `${JSON.stringify(report, undefined, 2)}\n` : linesOf(report));
    process.exitCode = report.ok ? 0 : NOT_GOOD;
  } catch (error) {
    process.exitCode = COULD_NOT_LOOK;
    const message = error instanceof CannotLook ? error.message : describeBug(error);
    process.stderr.write(`${message}\n`);
  }
}

function readReceiptFile(file: string): Uint8Array {
  const path = resolve(file);
  if (!existsSync(path)) throw new CannotLook(`${path} is not there: give the file that the gateway answered.`);
  return readFileSync(path);
}

function rulesOf(given: GivenOptions) {
  const { organisations, endorsementsNeeded, chaincode } = localTopology();
  const endorsers = given.endorsers ?? organisations.filter(({ endorses }) => endorses).map(({ mspId }) => mspId);
  const needed = given.needed === undefined ? endorsementsNeeded : Number(given.needed);
  if (!Number.isSafeInteger(needed) || needed < 1) throw new CannotLook('--needed must be a whole number above zero.');
  return { chaincode: chaincode.name, endorsers, needed };
}

function linesOf({ checks, decision, ok }: ReceiptReport): string {
  const lines = checks.map((check) => `${check.ok ? 'OK ' : 'BAD'}  ${check.check.padEnd(13)} ${check.what}`);
  const end = ok ? 'The receipt is good.' : 'The receipt is NOT good: believe nothing of it.';
  return `${[...lines, ...decision, end].join('\n')}\n`;
}

function describeBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
