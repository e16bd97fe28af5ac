import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How the tests of one run ended. */
export interface TestsRun {
  readonly passed: number;
  /** Full names of the tests that failed. */
  readonly failed: readonly string[];
  /** Files that could not be run at all: that is no test which fails, and no defect caught. */
  readonly broken: readonly string[];
}

const REPORT = 'mutants-report.json';

/** Runs jest in the tree, in a process of its own; from `signal` on it is stopped. */
export async function runTests(dir: string, files: readonly string[], signal: AbortSignal): Promise<TestsRun> {
  const report = join(dir, REPORT);
  const jest = join(dir, 'node_modules/jest/bin/jest.js');
  const args = ['--experimental-vm-modules', jest, '--runInBand', '--json', '--outputFile', report, ...files];
  const child = spawn(process.execPath, args, { cwd: dir, stdio: 'ignore', signal, env: process.env });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => resolve());
  });
  return readReport(JSON.parse(await readFile(report, 'utf8')));
}

interface JestReport {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Jest's own report (`--json`), from a process that was started here. */
function readReport({ numPassedTests, testResults }: JestReport): TestsRun {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    passed: numPassedTests,
    failed: tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    broken: testResults.filter(({ assertionResults }) => assertionResults.length === 0).map(({ name }) => name),
  };
}
