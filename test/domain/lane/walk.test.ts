import { describe, expect, it } from '@jest/globals';
import {
  endWalk,
  type LaneEntry,
  limits,
  sealEntry,
  startWalk,
  stepWalk,
  tipOf,
  type Walk,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';
import {
  buildLane,
  entryAt,
  headBefore,
  GENESIS,
  nextEntry,
  sampleHeader,
  solvedNonce,
  TARGET_INTERVAL_MS,
  withChangedField,
} from './sample-lane.js';

const lane = buildLane(140);
const lastHead = headBefore(lane, 140);
const fields = Object.keys(entryAt(lane, 0)) as (keyof LaneEntry)[];

function walkOver(entries: readonly LaneEntry[], from: Walk = startWalk(GENESIS)): Walk {
  return entries.reduce((walk, entry) => stepWalk(walk, entry, TARGET_INTERVAL_MS), from);
}

describe('a walk', () => {
  it('arrives at the stored head of an honest lane, over two retargets', () => {
    const walk = walkOver(lane.entries);
    expect(walk).toEqual({ ok: true, head: lastHead });
    expect(endWalk(walk, lastHead).ok).toBe(true);
  });

  it('finds any changed field of any entry, at its place', () => {
    fc.assert(
      fc.property(fc.nat({ max: lane.entries.length - 1 }), fc.constantFrom(...fields), (at, field) => {
        const entries = lane.entries.map((entry, sequence) =>
          sequence === at ? withChangedField(entry, field) : entry,
        );
        const reason = field === 'sequence' ? 'missing' : 'changed';
        expect(walkOver(entries)).toEqual({ ok: false, fault: { sequence: at, reason } });
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    {
      name: 'a missing entry',
      entries: lane.entries.filter((entry) => entry.sequence !== 5),
      at: 5,
      reason: 'missing',
    },
    {
      name: 'a repeated entry',
      entries: [...lane.entries.slice(0, 6), ...lane.entries.slice(5, 6)],
      at: 6,
      reason: 'missing',
    },
    { name: 'another genesis', entries: buildLane(1).entries, from: 'cd'.repeat(32), at: 0, reason: 'unlinked' },
  ])('names $name', ({ entries, from, at, reason }) => {
    expect(walkOver(entries, startWalk(from ?? GENESIS))).toEqual({ ok: false, fault: { sequence: at, reason } });
  });

  it('names an entry made anew in the middle at the one after it', () => {
    const forged = nextEntry(headBefore(lane, 9), { outcome: '{"action":"add","outcome":"deny"}' });
    const entries = lane.entries.map((entry) => (entry.sequence === 9 ? forged : entry));
    expect(walkOver(entries)).toEqual({ ok: false, fault: { sequence: 10, reason: 'unlinked' } });
  });

  it.each([
    { name: 'another root', change: { root: 'ee'.repeat(32) }, stepMs: 1, reason: 'root' },
    { name: 'a cheaper difficulty', change: { difficulty: limits.DIFFICULTY_MIN }, stepMs: 1, reason: 'difficulty' },
    { name: 'a time before the last', change: {}, stepMs: -1, reason: 'time' },
  ])('names an entry solved for $name', ({ change, stepMs, reason }) => {
    const head = headBefore(lane, 3);
    const header = sampleHeader({ ...tipOf(head), ...change });
    const nonce = solvedNonce(header);
    const forged = sealEntry({ header, nonce, outcome: '{}', txId: '03'.repeat(32), timeMs: head.timeMs + stepMs });
    expect(walkOver([...lane.entries.slice(0, 3), forged])).toEqual({ ok: false, fault: { sequence: 3, reason } });
  });
});

describe('a walk and the stored head', () => {
  it('go on from where they stopped', () => {
    const first = walkOver(lane.entries.slice(0, 70));
    expect(walkOver(lane.entries.slice(70), first)).toEqual(walkOver(lane.entries));
  });

  it('disagree when the head differs in anything', () => {
    const walk = walkOver(lane.entries);
    const changes = [
      { sequence: 141 },
      { previous: 'ee'.repeat(32) },
      { difficulty: lastHead.difficulty + 1 },
      { timeMs: lastHead.timeMs + 1 },
      { windowStartMs: lastHead.windowStartMs + 1 },
      { peaks: lastHead.peaks.map(() => 'ee'.repeat(32)) },
    ];
    for (const change of changes)
      expect({ change, walk: endWalk(walk, { ...lastHead, ...change }) }).toMatchObject({
        walk: { ok: false, fault: { sequence: 140, reason: 'head' } },
      });
  });

  it('name the first entry that is gone when the last ones were cut off', () => {
    expect(endWalk(walkOver(lane.entries.slice(0, 100)), lastHead)).toEqual({
      ok: false,
      fault: { sequence: 100, reason: 'head' },
    });
  });
});

describe('extendHead', () => {
  it.each([
    { name: 'doubles the difficulty of a lane twice as fast', stepMs: 5000, factor: 2 },
    { name: 'halves that of a lane half as fast', stepMs: 20_000, factor: 1 / 2 },
    { name: 'quadruples that of a lane whose entries bear one time', stepMs: 0, factor: 4 },
  ])('$name, after 64 entries and not before', ({ stepMs, factor }) => {
    const { heads } = buildLane(64, stepMs);
    expect(heads[63]?.difficulty).toBe(limits.DIFFICULTY_INITIAL);
    // The window runs from its first to its last entry: 63 steps are measured against 64, as in Bitcoin.
    const expected = Math.floor((limits.DIFFICULTY_INITIAL * factor * 64) / 63);
    expect(heads[64]?.difficulty).toBe(Math.min(expected, limits.DIFFICULTY_INITIAL * 4));
  });
});
