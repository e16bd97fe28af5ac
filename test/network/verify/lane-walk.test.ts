import { describe, expect, it } from '@jest/globals';
import { formatLaneEntry, type LaneEntry } from '@medledger/chaincode/domain';
import { LaneWalk, readEntry } from '../../../scripts/verify/lane-walk.js';
import { DAMAGED } from '../../../scripts/verify/peer-state.js';
import { buildLane, GENESIS, TARGET_INTERVAL_MS } from '../../domain/lane/sample-lane.js';

const LANE = buildLane(5);
const HEAD = LANE.heads.at(-1);

function walked(rows: readonly (readonly [sequence: number, entry: LaneEntry | undefined])[]): LaneWalk {
  const walk = new LaneWalk(GENESIS, TARGET_INTERVAL_MS);
  for (const [sequence, entry] of rows) walk.step(sequence, entry);
  return walk;
}

const rows = LANE.entries.map((entry, sequence) => [sequence, entry] as const);
const withRow = (at: number, entry: LaneEntry | undefined) =>
  rows.map((row) => (row[0] === at ? ([at, entry] as const) : row));

describe('the walk of a lane', () => {
  it('arrives at its head', () => {
    const walk = walked(rows);
    expect(walk.end(HEAD)).toBeUndefined();
    expect(walk.entries).toBe(5);
    expect(walk.timeMs).toBe(HEAD?.timeMs);
  });

  it.each([
    {
      name: 'an entry that is not there',
      given: rows.filter(([sequence]) => sequence !== 2),
      sequence: 2,
      reason: 'missing',
    },
    { name: 'an entry that cannot be read', given: withRow(0, undefined), sequence: 0, reason: 'unreadable' },
    {
      name: 'a changed outcome',
      given: withRow(0, { ...LANE.entries[0], outcome: '{}' } as LaneEntry),
      sequence: 0,
      reason: 'changed',
    },
    { name: 'another entry in its place', given: withRow(3, LANE.entries[2]), sequence: 3, reason: 'missing' },
    { name: 'the last entry gone', given: rows.slice(0, 4), sequence: 4, reason: 'head' },
    { name: 'all entries gone', given: [], sequence: 0, reason: 'head' },
  ])('$name: $reason at $sequence', ({ given, sequence, reason }) => {
    expect(walked(given).end(HEAD)).toEqual({ sequence, reason });
  });

  it('begins at its genesis only', () => {
    const walk = new LaneWalk('cd'.repeat(32), TARGET_INTERVAL_MS);
    for (const [sequence, entry] of rows) walk.step(sequence, entry);
    expect(walk.end(HEAD)).toEqual({ sequence: 0, reason: 'unlinked' });
  });

  it('needs a head that can be read', () => {
    expect(walked(rows).end(undefined)).toEqual({ sequence: 5, reason: 'head' });
    expect(walked(rows).end(DAMAGED)).toEqual({ sequence: 5, reason: 'unreadable' });
    expect(walked(rows).end(LANE.heads[4])).toEqual({ sequence: 4, reason: 'head' });
  });
});

describe('an entry in state', () => {
  it('is read when it is canonical, and nothing else is', () => {
    const [first] = LANE.entries;
    const text = first === undefined ? '' : formatLaneEntry(first);
    expect(readEntry(text)).toEqual(first);
    expect([readEntry(` ${text}`), readEntry('{}'), readEntry(DAMAGED), readEntry(undefined)]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
