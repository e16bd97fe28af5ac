import { setTimeout as wait } from 'node:timers/promises';

export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
  /** Between 0 and 1; Math.random unless a test says otherwise. */
  readonly random?: () => number;
}

/**
 * Doubles with each attempt up to `maxMs`, of which a random half to all is waited: callers that failed together do
 * not come back together.
 *
 * @param attempt - zero-based
 */
export function backoffMs(attempt: number, { minMs, maxMs, random = Math.random }: Backoff): number {
  const fullMs = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 20));
  return fullMs * (0.5 + random() / 2);
}

/** Ends early, without an error, when the signal is given. */
export async function backOff(attempt: number, backoff: Backoff, signal?: AbortSignal): Promise<void> {
  try {
    await wait(backoffMs(attempt, backoff), undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}
