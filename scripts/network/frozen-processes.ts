import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from '../start/start-error.js';

/** Well below the time after which nodes give each other up: to them it is a slow moment. */
const FROZEN_MAX_MS = 5_000;
const STOPPED_MS = 2_000;
const POLL_MS = 5;

/**
 * Does something while processes stand still, all of them: what they have on disk is then as after a loss of power at
 * one moment, which each of them is made to come back from, and none has heard of what another has not yet kept.
 *
 * They go on however this process ends: a shell waits for the end of its input, which is ours to hold open.
 *
 * @param action - is to give up when the signal aborts: processes must not stand still for long
 * @returns also for how long they stood still, in milliseconds
 * @throws StartError when it takes too long; the processes go on
 */
export async function whileFrozen<T>(
  pids: readonly number[],
  action: (signal: AbortSignal) => Promise<T>,
): Promise<{ readonly result: T; readonly frozenMs: number }> {
  const script = 'cat >/dev/null; for pid; do kill -CONT "$pid" 2>/dev/null; done';
  const args = ['-c', script, 'thaw', ...pids.map(String)];
  const thaw = spawn('/bin/sh', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const hasThawed = once(thaw, 'exit');
  const startedAtMs = Date.now();
  try {
    for (const pid of pids) signalIfThere(pid, 'SIGSTOP');
    await untilStopped(pids);
    const result = await action(AbortSignal.timeout(FROZEN_MAX_MS));
    return { result, frozenMs: Date.now() - startedAtMs };
  } catch (error) {
    if (error instanceof Error && error.name !== 'TimeoutError') throw error;
    throw new StartError(
      `What changes cannot be copied within ${FROZEN_MAX_MS / 1000} s; stop the network first (down, or Ctrl-C), or try again when it has less to do.`,
      { cause: error },
    );
  } finally {
    thaw.stdin.end();
    await hasThawed;
  }
}

async function untilStopped(pids: readonly number[]): Promise<void> {
  for (const untilMs = Date.now() + STOPPED_MS; pids.some(isRunning) && Date.now() < untilMs; ) await wait(POLL_MS);
}

/** On systems without /proc the signal is taken at its word. */
function isRunning(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return false;
  const stat = readFileSync(file, 'utf8');
  // The name, in brackets, may itself hold blanks and brackets; the state is the letter behind it.
  return !'TtZX'.includes(stat.charAt(stat.lastIndexOf(')') + 2));
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
