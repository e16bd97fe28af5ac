import { existsSync, openSync, closeSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from '../start/start-error.js';
import type { NetworkContext } from './network-context.js';

export interface LogOptions {
  /** Only of this process, e.g. `peer-hospital-a`. */
  readonly of?: string;
  /** How many of the last lines of each log. */
  readonly lines: number;
  readonly follow: boolean;
}

const POLL_MS = 300;
/** Enough for the last lines of a log, whatever is in them. */
const TAIL_BYTES = 256 * 1024;

/**
 * Prints the ends of the logs, each line with its process, and with `follow` what is added until the process ends.
 *
 * @throws StartError when there is no such log
 */
export async function showLogs({ dataDir }: Pick<NetworkContext, 'dataDir'>, options: LogOptions): Promise<void> {
  const folder = join(dataDir, 'logs');
  const names = logNames(folder).filter((name) => options.of === undefined || name === options.of);
  if (names.length === 0) {
    const known = logNames(folder).join(', ');
    throw new StartError(
      known === '' ? `There are no logs in ${folder}.` : `There is no such log; there are: ${known}.`,
    );
  }
  const readTo = new Map<string, number>();
  for (const name of names) {
    const path = join(folder, `${name}.log`);
    const { size } = statSync(path);
    print(name, readText(path, Math.max(0, size - TAIL_BYTES), size).slice(-options.lines));
    readTo.set(name, size);
  }
  while (options.follow) {
    await wait(POLL_MS);
    for (const name of names) readTo.set(name, printAdded(name, join(folder, `${name}.log`), readTo.get(name) ?? 0));
  }
}

function logNames(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.log'))
    .map((file) => file.slice(0, -'.log'.length))
    .sort();
}

/** @returns up to where the log is printed now; a log that was begun anew is printed from its beginning */
function printAdded(name: string, path: string, from: number): number {
  const size = existsSync(path) ? statSync(path).size : 0;
  if (size === from) return from;
  print(name, readText(path, size < from ? 0 : from, size));
  return size;
}

function print(name: string, lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${name} | ${line}\n`);
}

function readText(path: string, from: number, to: number): readonly string[] {
  const bytes = Buffer.alloc(to - from);
  const file = openSync(path, 'r');
  try {
    readSync(file, bytes, 0, bytes.length, from);
  } finally {
    closeSync(file);
  }
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
}
