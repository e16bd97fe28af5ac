import { setTimeout as wait } from 'node:timers/promises';

const POLL_MS = 50;
/** No figure of the product: what does not come by then on a machine however busy does not come at all. */
const WITHIN_MS = 120_000;

/** Tries until it succeeds: for what other processes learn a moment later. @throws the last failure after the time */
export async function eventually<T>(attempt: () => Promise<T>, withinMs = WITHIN_MS): Promise<T> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > untilMs) throw error;
      await wait(POLL_MS);
    }
  }
}

/** Waits for a value that fits. @throws Error with the last value after the time */
export function untilTrue<T>(read: () => T | Promise<T>, fits: (value: T) => boolean, withinMs?: number): Promise<T> {
  return eventually(async () => {
    const value = await read();
    if (!fits(value)) throw new Error(`not so in time: ${JSON.stringify(value)}`);
    return value;
  }, withinMs);
}
