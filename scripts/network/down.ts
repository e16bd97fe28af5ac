import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from '../start/start-error.js';
import { isHeld, type NetworkContext, runningProcesses } from './network-context.js';

const DOWN_MS = 60_000;
const EXIT_MS = 2_000;
const POLL_MS = 50;

/**
 * Stops the network of the folder in order; its data stay. Also one that `npm start` runs.
 *
 * @returns false when none ran
 * @throws StartError when it does not end
 */
export async function down(context: Pick<NetworkContext, 'dataDir' | 'say'>): Promise<boolean> {
  const { supervisor } = runningProcesses(context.dataDir);
  if (supervisor === undefined) {
    context.say('no network runs on this folder');
    return false;
  }
  process.kill(supervisor, 'SIGTERM');
  for (const untilMs = Date.now() + DOWN_MS; isHeld(context.dataDir); await wait(POLL_MS)) {
    if (Date.now() > untilMs) {
      throw new StartError(
        `The network did not stop within ${DOWN_MS / 1000} s; end its supervisor, process ${supervisor}.`,
      );
    }
  }
  // The lock goes a moment before its holder does. What nobody reaps stays in the list of processes, so not for ever.
  for (const untilMs = Date.now() + EXIT_MS; isAlive(supervisor) && Date.now() < untilMs; ) await wait(POLL_MS);
  context.say('stopped');
  return true;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
