import { spawnSync } from 'node:child_process';
import { Command } from 'commander';

interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const BIOME = 'node_modules/.bin/biome';

/** Everything that main must pass. Types are checked by the build that comes before any script. */
const STEPS: readonly Step[] = [
  { name: 'format', command: BIOME, args: ['format', '.'] },
  { name: 'lint', command: BIOME, args: ['lint', '.'] },
  {
    name: 'docs/errors.md is current',
    command: process.execPath,
    args: ['dist/scripts/make-errors-page.js', '--check'],
  },
  {
    name: 'docs/openapi.json is current',
    command: process.execPath,
    args: ['dist/scripts/make-openapi.js', '--check'],
  },
];
const TESTS: Step = { name: 'tests', command: process.execPath, args: ['dist/scripts/test.js'] };

const program = new Command('check')
  .description('Format, lint, types, generated files and tests. Exits with 1 when any of them fails.')
  .option('--no-tests', 'leave the tests out')
  .action(({ tests }: { tests: boolean }) => {
    const failed = [...STEPS, ...(tests ? [TESTS] : [])].filter((step) => !passes(step));
    for (const { name } of failed) console.error(`failed: ${name}`);
    process.exitCode = failed.length === 0 ? 0 : 1;
  });

await program.parseAsync();

function passes({ name, command, args }: Step): boolean {
  console.log(`check: ${name}`);
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0;
}
