import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { readRunningFile, RUNNING_FILE } from './running-file.js';
import { join } from 'node:path';

/**
 * Ends the programs that are not ours when the supervisor is gone without having been able to: `end-with-parent` does
 * that for every process of Node, and these are none. Its standard input is the supervisor's to hold open.
 *
 * Arguments: the data folder, then the names of the programs in processes.json.
 */

const GRACE_MS = 8_000;
const POLL_MS = 100;

const [dataDir = '', ...names] = process.argv.slice(2);

process.on('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => process.exit(0));
process.stdin.on('error', () => void endAll());
process.stdin.on('end', () => void endAll());
process.stdin.resume();
process.stdout.on('error', () => {});
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);

async function endAll(): Promise<void> {
  // Taken away when everything was stopped in order.
  if (!existsSync(join(dataDir, RUNNING_FILE))) process.exit(0);
  const running = readRunningFile(dataDir);
  // Peers of organisations that joined later are in the file alone.
  const isNative = (name: string) => names.includes(name) || name.startsWith('peer-');
  const pids = Object.entries(running).flatMap(([name, pid]) => (isNative(name) ? [pid] : []));
  signal(pids, 'SIGTERM');
  for (const untilMs = Date.now() + GRACE_MS; Date.now() < untilMs && pids.some(isAlive); ) await wait(POLL_MS);
  signal(pids.filter(isAlive), 'SIGKILL');
  process.exit(0);
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, name);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
