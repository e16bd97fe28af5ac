/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  requireSome(values);
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** How far apart the values lie: (largest - smallest) / median. One value has a spread of 0. */
export function spread(values: readonly number[]): number {
  requireSome(values);
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** What was measured in one round, and the baseline beside it in the same round; same unit. */
export interface Round {
  readonly measured: number;
  readonly baseline: number;
}

/**
 * Each round's own ratio, so that what slows the machine down for a while slows both sides of the same ratio.
 *
 * @returns measured / baseline, in the order of the rounds
 */
export function ratios(rounds: readonly Round[]): readonly number[] {
  return rounds.map(({ measured, baseline }) => measured / baseline);
}

function requireSome(values: readonly number[]): void {
  if (values.length === 0) throw new RangeError('there is no median of nothing');
}
