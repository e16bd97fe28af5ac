import { describe, expect, it } from '@jest/globals';
import { isRetargetPlace, limits, retarget } from '@medledger/chaincode/domain';
import fc from 'fast-check';

const { DIFFICULTY_MAX, DIFFICULTY_MIN, RETARGET_ENTRIES } = limits;

/** The rule as design and Bitcoin state it, over exact fractions. */
function expectedDifficulty(input: { difficulty: number; actualIntervalMs: number; targetIntervalMs: number }): bigint {
  const old = BigInt(input.difficulty);
  const actual = BigInt(input.actualIntervalMs === 0 ? 1 : input.actualIntervalMs);
  const wanted = 64n * BigInt(input.targetIntervalMs);
  let next = (old * wanted) / actual;
  if (actual > wanted * 4n) next = old / 4n;
  if (actual * 4n < wanted) next = old * 4n;
  if (next < 256n) return 256n;
  return next > 1_048_576n ? 1_048_576n : next;
}

describe('retarget', () => {
  it.each([
    { name: 'on time', difficulty: 4096, actualIntervalMs: 640_000, expected: 4096 },
    { name: 'twice as fast', difficulty: 4096, actualIntervalMs: 320_000, expected: 8192 },
    { name: 'half as fast', difficulty: 4096, actualIntervalMs: 1_280_000, expected: 2048 },
    { name: 'four times as fast', difficulty: 4096, actualIntervalMs: 160_000, expected: 16_384 },
    { name: 'a hundred times as fast, held at four', difficulty: 4096, actualIntervalMs: 6400, expected: 16_384 },
    { name: 'in no time, held at four', difficulty: 4096, actualIntervalMs: 0, expected: 16_384 },
    { name: 'a year, held at a quarter', difficulty: 4096, actualIntervalMs: 31_536_000_000, expected: 1024 },
    { name: 'rounded down', difficulty: 1000, actualIntervalMs: 639_999, expected: 1000 },
    { name: 'at the floor', difficulty: 256, actualIntervalMs: 31_536_000_000, expected: 256 },
    { name: 'down to the floor', difficulty: 1000, actualIntervalMs: 31_536_000_000, expected: 256 },
    { name: 'up to the ceiling', difficulty: 2 ** 19, actualIntervalMs: 0, expected: 2 ** 20 },
  ])('$name: $difficulty becomes $expected', ({ difficulty, actualIntervalMs, expected }) => {
    expect(retarget({ difficulty, actualIntervalMs, targetIntervalMs: 10_000 })).toBe(expected);
  });

  it('is the written rule for every window', () => {
    const difficulties = fc.integer({ min: DIFFICULTY_MIN, max: DIFFICULTY_MAX });
    const intervals = fc.oneof(fc.nat({ max: 10_000_000 }), fc.nat({ max: 253_402_300_799_999 }));
    fc.assert(
      fc.property(difficulties, intervals, fc.integer({ min: 1, max: 1e9 }), (difficulty, actualIntervalMs, target) => {
        const input = { difficulty, actualIntervalMs, targetIntervalMs: target };
        expect(BigInt(retarget(input))).toBe(expectedDifficulty(input));
      }),
      { numRuns: 500 },
    );
  });
});

describe('isRetargetPlace', () => {
  it.each([
    [0, false],
    [1, false],
    [RETARGET_ENTRIES - 1, false],
    [RETARGET_ENTRIES, true],
    [RETARGET_ENTRIES + 1, false],
    [2 * RETARGET_ENTRIES, true],
  ])('of sequence %d is %s', (sequence, expected) => {
    expect(isRetargetPlace(sequence)).toBe(expected);
  });
});
