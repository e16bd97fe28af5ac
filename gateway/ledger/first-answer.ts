import { setTimeout as wait } from 'node:timers/promises';

/**
 * Asks one after the other: the next one when the one before failed, or has not answered within the patience. Those
 * that were asked go on; the first answer counts.
 *
 * @param asks - at least one
 * @throws what the first one threw, when all failed
 */
export async function firstAnswer<T>(asks: readonly (() => Promise<T>)[], patienceMs: number): Promise<T> {
  const [ask, ...others] = asks;
  if (ask === undefined) throw new Error('invariant failed: somebody is asked');
  const asked = ask();
  if (others.length === 0 || (await succeeds(asked, patienceMs))) return asked;
  try {
    return await Promise.any([asked, firstAnswer(others, patienceMs)]);
  } catch {
    return asked;
  }
}

/** @returns false as soon as it fails, or when it takes longer */
async function succeeds(asked: Promise<unknown>, withinMs: number): Promise<boolean> {
  const waiting = new AbortController();
  const isLate = wait(withinMs, false, { signal: waiting.signal }).catch(() => false);
  try {
    return await Promise.race([
      asked.then(
        () => true,
        () => false,
      ),
      isLate,
    ]);
  } finally {
    waiting.abort();
  }
}
