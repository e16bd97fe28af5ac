import { fileURLToPath } from 'node:url';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { FabricError } from '../network/fabric/fabric-error.js';
import { DEFAULT_CONSENSUS } from '../network/topology.js';
import { BenchFailure } from './bench/bench-failure.js';
import type { Figure } from './bench/figure.js';
import { describeMachine } from './bench/machine.js';
import { figureLines, machineLine } from './bench/report.js';
import { FIGURES, type FigureName, runBench, USUAL_FIGURES } from './bench/run-bench.js';
import { chooseLedger, LEDGER_KINDS, type LedgerKind } from './start/ledger-choice.js';
import { listenForStop } from './start/stop-signals.js';

interface GivenOptions {
  readonly rounds: number;
  readonly ledger: LedgerKind;
  readonly bin?: string;
  readonly json: boolean;
}

/** Compiled, this file is dist/scripts/bench.js. */
const PROJECT_DIR = fileURLToPath(new URL('../..', import.meta.url));
const ROUNDS = 5;
const ROUNDS_MAX = 100;

const program = new Command('npm run bench --')
  .description(
    'Measures the product against frozen baselines, both in turn in the same run, and prints each ratio as the median ' +
      'of its rounds with PASS or MISS. A missed target is no failure: the exit code is 0 unless an answer was wrong, a ' +
      'lane did not verify or a record was missing. Needs Linux (/proc), about a minute, and a machine that is not busy ' +
      'otherwise: a ratio whose baseline moved by more than 25 % is marked as noisy.',
  )
  .option('--rounds <count>', 'rounds of each figure', rounds, ROUNDS)
  .addArgument(new Argument('[figures...]', 'only these figures').choices(FIGURES))
  .addOption(new Option('--ledger <kind>', 'what they are measured on').choices(LEDGER_KINDS).default('devledger'))
  .option('--bin <dir>', 'folder of the programs of Fabric; else FABRIC_BIN, else the PATH')
  .option('--json', 'one JSON document instead of text', false)
  .allowExcessArguments(false)
  .action(bench);

await program.parseAsync();

async function bench(figuresAsked: readonly FigureName[], given: GivenOptions): Promise<void> {
  const machine = describeMachine();
  const stop = listenForStop(Date.now);
  const figures: Figure[] = [];
  const notes: string[] = [];
  const print = (line: string) => {
    if (!given.json) process.stdout.write(`${line}\n`);
  };
  print(machineLine(machine));
  try {
    const ledger = await chooseLedger({ ...given, consensus: DEFAULT_CONSENSUS }, print);
    await runBench({
      rounds: given.rounds,
      only: figuresAsked.length > 0 ? figuresAsked : USUAL_FIGURES[given.ledger],
      ledger,
      projectDir: PROJECT_DIR,
      signal: stop.signal,
      onFigure: (figure) => {
        figures.push(figure);
        for (const line of figureLines(figure)) print(line);
      },
      say: (line) => {
        notes.push(line);
        print(line);
      },
    });
    if (given.json) process.stdout.write(`${JSON.stringify({ machine, figures, notes }, undefined, 2)}\n`);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${stop.signal.aborted ? 'stopped' : reasonOf(error)}\n`);
    process.exit(stop.signal.aborted ? 130 : 1);
  }
}

/** Of a bug the place is worth more than a sentence. */
function reasonOf(error: unknown): string {
  if (error instanceof BenchFailure || error instanceof FabricError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function rounds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > ROUNDS_MAX) {
    throw new InvalidArgumentError(`It takes a whole number from 1 to ${ROUNDS_MAX}.`);
  }
  return value;
}
