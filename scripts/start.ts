import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CONSENSUS_KINDS, type Consensus, DEFAULT_PORT_BASE } from '../network/topology.js';
import { DOCTORS_MAX, DOCTORS_MIN } from './seed/demo-staff.js';
import { chooseConsensus } from './start/consensus-choice.js';
import { chooseLedger, LEDGER_KINDS, type LedgerKind } from './start/ledger-choice.js';
import { oneLine } from './start/one-line.js';
import { lineProgress } from './start/progress.js';
import { chooseTopologyFile } from './start/topology-choice.js';
import { startNetwork } from './start/start-network.js';

interface GivenOptions {
  readonly data: string;
  readonly portBase: number;
  readonly seed: boolean;
  readonly demoDoctors: number;
  readonly ledger: LedgerKind;
  readonly consensus?: Consensus;
  readonly bin?: string;
  readonly restartAfter?: number;
  readonly topology?: string;
}

/** Compiled, this file is dist/scripts/start.js. */
const PROJECT_DIR = fileURLToPath(new URL('../..', import.meta.url));
const PORT_BASE_MIN = 1024;
/** A network takes ports up to 50 above its base. */
const PORT_BASE_MAX = 65_000;
const RESTART_AFTER_MAX_MS = 600_000;

const program = new Command('npm start --')
  .description(
    'Starts the whole network on this machine: ledger, chaincode and a gateway for each organisation. The first time ' +
      'it founds the consortium and adds ten synthetic patients; later it goes on with the data that is there. When ' +
      'everything serves, its last line is the word "ready". Ctrl-C or SIGTERM stops everything.',
  )
  .option('--data <dir>', 'data folder, made when it is new', '.medledger')
  .option(
    '--port-base <port>',
    'first TCP port; the network takes ports up to 50 above it',
    portBase,
    DEFAULT_PORT_BASE,
  )
  .addOption(
    new Option('--ledger <kind>', 'the embedded ledger, or Hyperledger Fabric')
      .choices(LEDGER_KINDS)
      .default('devledger'),
  )
  .addOption(
    new Option(
      '--consensus <kind>',
      'how the orderers of Fabric agree; as the data folder was made, else raft',
    ).choices(CONSENSUS_KINDS),
  )
  .option('--topology <file>', 'describes organisations and ports; as started last, else one on consecutive ports')
  .option('--bin <dir>', 'folder of the programs of Fabric; else FABRIC_BIN, else the PATH')
  .option(
    '--restart-after <ms>',
    'how long a process that crashed stays down; else 250 ms, more each time',
    restartAfter,
  )
  .option('--no-seed', 'add no patients')
  .option('--demo-doctors <count>', 'doctors at the two hospitals, when the data folder is new', doctors, DOCTORS_MIN)
  .allowExcessArguments(false)
  .action(start);

await program.parseAsync();

async function start(given: GivenOptions): Promise<void> {
  const progress = lineProgress((text) => process.stdout.write(text), Date.now);
  const { seed, portBase: base, demoDoctors } = given;
  const dataDir = resolve(given.data);
  try {
    const consensus = chooseConsensus(dataDir, given);
    const ledger = await chooseLedger({ ...given, consensus }, progress.say);
    const options = { projectDir: PROJECT_DIR, dataDir, portBase: base, ledger, seed, doctors: demoDoctors };
    const waiting = given.restartAfter === undefined ? {} : { restartAfterMs: given.restartAfter };
    const topologyFile = chooseTopologyFile(dataDir, given.topology);
    const described = topologyFile === undefined ? {} : { topologyFile };
    await startNetwork({ ...options, ...waiting, ...described }, progress);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${oneLine(error)}\n`);
    process.exit(1);
  }
}

function portBase(text: string): number {
  return wholeNumber(text, PORT_BASE_MIN, PORT_BASE_MAX);
}

function restartAfter(text: string): number {
  return wholeNumber(text, 0, RESTART_AFTER_MAX_MS);
}

function doctors(text: string): number {
  return wholeNumber(text, DOCTORS_MIN, DOCTORS_MAX);
}

function wholeNumber(text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`);
  }
  return value;
}
