import { median, type Round, ratios, spread } from './statistics.js';

export interface Target {
  readonly comparison: 'at most' | 'at least';
  readonly value: number;
}

/** One side of a ratio, over all rounds. */
export interface Side {
  readonly name: string;
  readonly median: number;
  readonly spread: number;
}

/** One figure to hold: a ratio of two things that were measured in turn, in the same run. */
export interface Figure {
  readonly title: string;
  readonly unit: string;
  readonly target: Target;
  /** Median of the rounds' ratios. */
  readonly ratio: number;
  readonly spread: number;
  readonly isMet: boolean;
  /** The baseline moved so much that the ratio says little: run again on a quieter machine. */
  readonly isNoisy: boolean;
  readonly measured: Side;
  readonly baseline: Side;
  readonly rounds: readonly Round[];
  /** What belongs to it and has no target. */
  readonly notes: readonly string[];
}

export interface FigureInput {
  readonly title: string;
  readonly unit: string;
  readonly target: Target;
  readonly names: { readonly measured: string; readonly baseline: string };
  readonly rounds: readonly Round[];
  readonly notes?: readonly string[];
}

/** Beyond this spread of the baseline a ratio is marked as noisy. */
const BASELINE_SPREAD_MAX = 0.25;

export function figureOf({ title, unit, target, names, rounds, notes = [] }: FigureInput): Figure {
  const all = ratios(rounds);
  const ratio = median(all);
  const measured = rounds.map((round) => round.measured);
  const baseline = rounds.map((round) => round.baseline);
  return {
    title,
    unit,
    target,
    ratio,
    spread: spread(all),
    isMet: target.comparison === 'at most' ? ratio <= target.value : ratio >= target.value,
    isNoisy: spread(baseline) > BASELINE_SPREAD_MAX,
    measured: { name: names.measured, median: median(measured), spread: spread(measured) },
    baseline: { name: names.baseline, median: median(baseline), spread: spread(baseline) },
    rounds,
    notes,
  };
}

export interface Sides {
  /** @returns the round's number */
  readonly measured: () => Promise<number>;
  readonly baseline: () => Promise<number>;
}

/** Measures both sides in turn, each first in every other round. */
export async function interleave(count: number, sides: Sides): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < count; round += 1) {
    const isMeasuredFirst = round % 2 === 0;
    const first = await (isMeasuredFirst ? sides.measured() : sides.baseline());
    const second = await (isMeasuredFirst ? sides.baseline() : sides.measured());
    rounds.push(isMeasuredFirst ? { measured: first, baseline: second } : { measured: second, baseline: first });
  }
  return rounds;
}

/** Runs `count` pieces of work, at most `inFlight` at once, each with its number from 0. */
export async function keepInFlight(
  load: { readonly count: number; readonly inFlight: number },
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < load.count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(load.inFlight, load.count) }, worker));
}
