import { describe, expect, it } from '@jest/globals';
import {
  extendHead,
  findHistoryFault,
  type HistoryFault,
  type LaneEntry,
  type LaneHead,
  limits,
  sealEntry,
  sequencesToCheck,
  sha256Hex,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';
import {
  buildLane,
  entryAt,
  headBefore,
  nextEntry,
  type SampleLane,
  TARGET_INTERVAL_MS,
  withChangedField,
} from './sample-lane.js';

const WHOLE = limits.WHOLE_LANE_CHECK_ENTRIES_MAX;
const hashes = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(sha256Hex);
const long = buildLane(40);
const short = buildLane(7);

/** Checks a lane as a write does, with the entry at one place replaced. */
function faultWith(
  lane: ReturnType<typeof laneOf>,
  change: { at: number; entry: LaneEntry | undefined },
  chosenBy: string,
): HistoryFault | undefined {
  const stored = lane.entries.map((entry, sequence) => (sequence === change.at ? change.entry : entry));
  const sequences = sequencesToCheck(lane.head.sequence, chosenBy);
  return findHistoryFault(lane.head, new Map(sequences.map((sequence) => [sequence, stored[sequence]])));
}

function laneOf(sample: SampleLane, entryCount = sample.entries.length) {
  return { entries: sample.entries.slice(0, entryCount), head: headBefore(sample, entryCount) };
}

/** A hash whose remainder is this place. */
function hashThatChooses(older: number): string {
  return older.toString(16).padStart(64, '0');
}

describe('sequencesToCheck', () => {
  it('takes the whole of a lane up to the bound', () => {
    fc.assert(
      fc.property(fc.nat({ max: WHOLE }), hashes, (entryCount, hash) => {
        expect(sequencesToCheck(entryCount, hash)).toEqual([...Array(entryCount).keys()]);
      }),
    );
  });

  it('takes one adjacent pair and the last entry of a longer lane, in bounds and in order', () => {
    fc.assert(
      fc.property(fc.integer({ min: WHOLE + 1, max: 2 ** 40 }), hashes, (entryCount, hash) => {
        const [older = -1, next, last] = sequencesToCheck(entryCount, hash);
        expect(older).toBeGreaterThanOrEqual(0);
        expect(next).toBe(older + 1);
        expect(last).toBe(entryCount - 1);
        expect(older + 1).toBeLessThan(entryCount - 1);
      }),
    );
  });

  it('reaches every pair', () => {
    const seen = Array.from({ length: WHOLE + 1 }, (_, older) =>
      sequencesToCheck(WHOLE + 1, hashThatChooses(older)).at(0),
    );
    expect(new Set(seen)).toEqual(new Set(Array(WHOLE - 1).keys()));
  });
});

describe('findHistoryFault', () => {
  it('finds nothing in an honest lane of any length', () => {
    fc.assert(
      fc.property(fc.nat({ max: 40 }), hashes, (entryCount, hash) => {
        const lane = laneOf(long, entryCount);
        expect(faultWith(lane, { at: -1, entry: undefined }, hash)).toBeUndefined();
      }),
    );
  });

  it('names any changed field of any entry of a short lane', () => {
    const fields = Object.keys(entryAt(short, 0)) as (keyof LaneEntry)[];
    for (const entry of short.entries)
      for (const field of fields) {
        const changed = { at: entry.sequence, entry: withChangedField(entry, field) };
        const fault = faultWith(laneOf(short), changed, '00'.repeat(32));
        expect({ field, fault }).toEqual({ field, fault: { sequence: entry.sequence, reason: 'changed' } });
      }
  });

  it.each([0, 1, 20, 37, 38, 39])('names a missing or changed entry %d of a long lane when it is looked at', (at) => {
    const lane = laneOf(long);
    const chosenBy = hashThatChooses(Math.min(at, 37));
    const changed = withChangedField(entryAt(long, at), 'outcome');
    expect(faultWith(lane, { at, entry: undefined }, chosenBy)).toEqual({ sequence: at, reason: 'missing' });
    expect(faultWith(lane, { at, entry: changed }, chosenBy)).toEqual({ sequence: at, reason: 'changed' });
  });

  it('names the neighbour of an entry that was made anew, and the head when it was the last', () => {
    const forged = (sample: SampleLane, at: number) =>
      nextEntry(headBefore(sample, at), { outcome: '{"action":"add","outcome":"deny"}' });
    const inside = faultWith(laneOf(short), { at: 3, entry: forged(short, 3) }, '00'.repeat(32));
    expect(inside).toEqual({ sequence: 4, reason: 'unlinked' });
    const last = faultWith(laneOf(long), { at: 39, entry: forged(long, 39) }, '00'.repeat(32));
    expect(last).toEqual({ sequence: 39, reason: 'head' });
  });
});

describe('findHistoryFault on the head', () => {
  it.each(['previous', 'timeMs', 'sequence'] as const)('names a head with another %s', (field) => {
    for (const sample of [laneOf(short), laneOf(long)]) {
      const { head } = sample;
      const changed = { ...head, [field]: field === 'previous' ? 'ee'.repeat(32) : head[field] + 1 } as LaneHead;
      const fault = faultWith({ ...sample, head: changed }, { at: -1, entry: undefined }, '00'.repeat(32));
      expect(fault).toBeDefined();
    }
  });

  it('names a head with one changed peak: in short lanes always, in long ones at odd counts', () => {
    for (const entryCount of [1, 2, 3, 7, 8, 16, 17, 31, 39]) {
      const lane = laneOf(long, entryCount);
      for (const place of lane.head.peaks.keys()) {
        const peaks = lane.head.peaks.map((peak, at) => (at === place ? 'dd'.repeat(32) : peak));
        const fault = faultWith(
          { ...lane, head: { ...lane.head, peaks } },
          { at: -1, entry: undefined },
          '00'.repeat(32),
        );
        expect({ entryCount, place, fault }).toMatchObject({ fault: { reason: 'head' } });
      }
    }
  });

  it('names a head with a peak too many or too few', () => {
    const lane = laneOf(long);
    for (const peaks of [lane.head.peaks.slice(1), [...lane.head.peaks, 'dd'.repeat(32)]]) {
      const fault = faultWith(
        { ...lane, head: { ...lane.head, peaks } },
        { at: -1, entry: undefined },
        '00'.repeat(32),
      );
      expect(fault).toEqual({ sequence: 39, reason: 'head' });
    }
  });

  it('fails closed when the last entry was not handed in', () => {
    expect(findHistoryFault(laneOf(short).head, new Map())).toEqual({ sequence: 6, reason: 'head' });
  });
});

describe('sealEntry and extendHead', () => {
  it('refuse to extend a head with an entry that names another', () => {
    const { head } = laneOf(short);
    const first = entryAt(short, 0);
    expect(() => extendHead(head, first, TARGET_INTERVAL_MS)).toThrow('invariant failed');
    const stranger = sealEntry({ ...first, header: { ...first, sequence: head.sequence } });
    expect(() => extendHead(head, stranger, TARGET_INTERVAL_MS)).toThrow('invariant failed');
  });
});
