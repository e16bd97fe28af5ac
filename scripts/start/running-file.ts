import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Process ids of a running network, by name; for operators and tests. Gone when everything was stopped in order. */
export const RUNNING_FILE = 'processes.json';

export function runningFile(dataDir: string) {
  const path = join(dataDir, RUNNING_FILE);
  return {
    /** Whether a run ended without stopping its processes, so that some may be on their way out. */
    isLeftOver: () => existsSync(path),
    write(processes: Readonly<Record<string, number>>): void {
      const temporary = `${path}.tmp`;
      writeFileSync(temporary, `${JSON.stringify({ supervisor: process.pid, ...processes }, undefined, 2)}\n`);
      renameSync(temporary, path);
    },
    remove: () => rmSync(path, { force: true }),
  };
}

/** @returns process ids by name; `supervisor` is the one that starts and stops the others */
export function readRunningFile(dataDir: string): Readonly<Record<string, number>> {
  return parseRunning(JSON.parse(readFileSync(join(dataDir, RUNNING_FILE), 'utf8')));
}

function parseRunning(value: unknown): Readonly<Record<string, number>> {
  return value as Record<string, number>;
}
