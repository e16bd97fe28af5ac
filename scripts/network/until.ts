import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from '../start/start-error.js';

const POLL_MS = 50;

/**
 * Waits until it is so. What the question throws counts as a no: whoever is asked may just be starting.
 *
 * @param otherwise - the sentence, when it is not so in time
 * @throws StartError
 */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  deadlineMs: number,
  otherwise: string,
): Promise<void> {
  const untilMs = Date.now() + deadlineMs;
  let cause: unknown;
  while (Date.now() < untilMs) {
    try {
      if (await isSo()) return;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await wait(POLL_MS);
  }
  throw new StartError(`After ${deadlineMs / 1000} s ${otherwise}`, { cause });
}
