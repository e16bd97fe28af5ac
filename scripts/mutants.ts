import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { DEFECTS, type Defect } from './mutants/defects.js';
import { runTests } from './mutants/run-tests.js';
import { copyTree, type TreeCopy } from './mutants/tree-copy.js';
import { listenForStop } from './start/stop-signals.js';

/** Compiled, this file is dist/scripts/mutants.js. */
const PROJECT_DIR = fileURLToPath(new URL('../..', import.meta.url));

const program = new Command('npm run mutants --')
  .description(
    'Plants seven defects, one by one, in a temporary copy of the sources, runs the tests that must notice, and names ' +
      'the one that did. Exit code 1 when a defect survives, or when those tests fail without it.',
  )
  .allowExcessArguments(false)
  .action(mutants);

await program.parseAsync();

async function mutants(): Promise<void> {
  const stop = listenForStop(Date.now);
  const copy = await copyTree(PROJECT_DIR);
  try {
    const sound = await requireSoundTests(copy, stop.signal);
    let survived = 0;
    if (sound) for (const defect of DEFECTS) if (!(await isCaught(copy, defect, stop.signal))) survived += 1;
    say(`${DEFECTS.length - survived} of ${DEFECTS.length} defects caught`);
    process.exitCode = sound && survived === 0 ? 0 : 1;
  } finally {
    await copy.remove();
  }
  // Listening for signals keeps the process alive.
  process.exit();
}

/** A test that fails anyway catches nothing. */
async function requireSoundTests(copy: TreeCopy, signal: AbortSignal): Promise<boolean> {
  const tests = [...new Set(DEFECTS.flatMap((defect) => defect.tests))];
  const { passed, failed, broken } = await runTests(copy.dir, tests, signal);
  say(`without a defect: ${passed} tests pass, ${failed.length} fail`);
  for (const name of [...failed, ...broken]) say(`  fails without a defect: ${name}`);
  return passed > 0 && failed.length === 0 && broken.length === 0;
}

async function isCaught(copy: TreeCopy, defect: Defect, signal: AbortSignal): Promise<boolean> {
  const takeOut = await copy.plant(defect);
  const { failed, broken } = await runTests(copy.dir, defect.tests, signal);
  await takeOut();
  const [first] = failed;
  const place = broken.length > 0 ? `, and ${broken.join(', ')} did not run` : '';
  if (first === undefined) say(`SURVIVED  ${defect.name}${place}`);
  else say(`caught    ${defect.name}: ${failed.length} tests fail, first: ${first}`);
  return first !== undefined;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
