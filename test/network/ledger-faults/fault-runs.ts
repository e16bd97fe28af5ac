/** How many faults of each kind are tried: few with every `npm test`, many where MEDLEDGER_FAULT_RUNS says so. */
export function faultRuns(usual: number): number {
  const asked = Number(process.env.MEDLEDGER_FAULT_RUNS ?? usual);
  if (!Number.isInteger(asked) || asked < 1) throw new Error('MEDLEDGER_FAULT_RUNS is a whole number from 1 on.');
  return asked;
}

/** Milliseconds for so many runs. */
export function faultTimeoutMs(runs: number): number {
  return 20_000 + runs * 1_000;
}

/** Numbers from 0 to 1 that are the same for the same seed, so that a failure can be seen again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}
