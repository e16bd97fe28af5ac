import { describe, expect, it } from '@jest/globals';
import { figureOf, interleave, keepInFlight } from '../../../scripts/bench/figure.js';
import { median, ratios, spread } from '../../../scripts/bench/statistics.js';

describe('median', () => {
  it.each([
    { name: 'one value', values: [7], expected: 7 },
    { name: 'an odd number of values in no order', values: [9, 1, 5], expected: 5 },
    { name: 'an even number: the mean of the middle two', values: [4, 1, 10, 2], expected: 3 },
    { name: 'numbers whose texts sort otherwise', values: [10, 9, 100], expected: 10 },
    { name: 'one far-out value', values: [1, 1, 1, 1, 1000], expected: 1 },
  ])('$name', ({ values, expected }) => {
    expect(median(values)).toBe(expected);
  });

  it('leaves the order of its input alone', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('refuses no values', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('spread', () => {
  it.each([
    { name: 'equal values', values: [4, 4, 4], expected: 0 },
    { name: 'one value', values: [4], expected: 0 },
    { name: 'largest less smallest, over the median', values: [8, 10, 13], expected: 0.5 },
  ])('$name', ({ values, expected }) => {
    expect(spread(values)).toBe(expected);
  });
});

describe('ratios', () => {
  it('belong to their own rounds', () => {
    const rounds = [
      { measured: 2, baseline: 1 },
      { measured: 30, baseline: 10 },
    ];
    expect(ratios(rounds)).toEqual([2, 3]);
  });
});

describe('figureOf', () => {
  const figure = (comparison: 'at most' | 'at least', value: number) =>
    figureOf({
      title: 'a figure',
      unit: 'ms',
      target: { comparison, value },
      names: { measured: 'ours', baseline: 'bare' },
      // A slow second round: the ratio of the medians, 3, would be no round's own.
      rounds: [
        { measured: 3, baseline: 2 },
        { measured: 60, baseline: 40 },
        { measured: 6, baseline: 1 },
      ],
    });

  it('is the median of the rounds’ ratios', () => {
    expect(figure('at most', 2)).toMatchObject({ ratio: 1.5, spread: 3, measured: { median: 6 }, isNoisy: true });
  });

  it.each([
    { comparison: 'at most', value: 1.5, isMet: true },
    { comparison: 'at most', value: 1.49, isMet: false },
    { comparison: 'at least', value: 1.5, isMet: true },
    { comparison: 'at least', value: 1.51, isMet: false },
  ] as const)('$comparison $value: $isMet', ({ comparison, value, isMet }) => {
    expect(figure(comparison, value).isMet).toBe(isMet);
  });
});

describe('interleave', () => {
  it('takes turns at being first and keeps each side its own', async () => {
    const order: string[] = [];
    const side = (name: string, value: number) => async () => {
      order.push(name);
      return value;
    };
    const rounds = await interleave(3, { measured: side('measured', 1), baseline: side('baseline', 2) });
    expect(order).toEqual(['measured', 'baseline', 'baseline', 'measured', 'measured', 'baseline']);
    expect(rounds).toEqual(Array.from({ length: 3 }, () => ({ measured: 1, baseline: 2 })));
  });
});

describe('keepInFlight', () => {
  it('does each piece once and never more at a time than asked', async () => {
    const done: number[] = [];
    let running = 0;
    let most = 0;
    await keepInFlight({ count: 20, inFlight: 4 }, async (index) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
      done.push(index);
    });
    expect(most).toBe(4);
    expect(done.toSorted((left, right) => left - right)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });
});
