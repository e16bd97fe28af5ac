import { IS_FULL } from '../../support/full-run.js';

export { IS_FULL };

/**
 * How many faults of one kind are tried: a twentieth of them with every `npm test`, all with `npm run test:full`, and as
 * many as MEDLEDGER_FAULT_RUNS says where it says so.
 */
export function faultRuns(full: number): number {
  const asked = Number(process.env.MEDLEDGER_FAULT_RUNS ?? (IS_FULL ? full : Math.ceil(full / 20)));
  if (!Number.isInteger(asked) || asked < 1) throw new Error('MEDLEDGER_FAULT_RUNS is a whole number from 1 on.');
  return asked;
}

/** Milliseconds for so many runs, on a machine however busy. */
export function faultTimeoutMs(runs: number): number {
  return 300_000 + runs * 6_000;
}

/** Numbers from 0 to 1 that are the same for the same seed, so that a failure can be seen again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}
