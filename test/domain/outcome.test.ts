import { describe, expect, it } from '@jest/globals';
import {
  type DenyCode,
  formatOutcome,
  type ItemOutcome,
  logLinesOf,
  type Outcome,
  parseOutcome,
  type RecordId,
  recordIdOf,
  type SetId,
  setsOf,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';
import { gid, mid, rid } from './consent/grant-samples.js';

const grantBasis = { kind: 'grant', grantId: gid(1), version: 1 } as const;
const permit = (seed: number, recordClass = 'Observation'): ItemOutcome => ({
  recordId: rid(seed),
  class: recordClass,
  version: 1,
  outcome: 'permit',
  basis: grantBasis,
});
const deny = (seed: number, code: DenyCode): ItemOutcome => ({ recordId: rid(seed), outcome: 'deny', code });

describe('logLinesOf', () => {
  it('is one line for one opening', () => {
    const outcome: Outcome = { action: 'open', outcome: 'permit', purpose: 'TREAT', items: [permit(1)] };
    expect(logLinesOf(outcome)).toEqual([
      {
        action: 'open',
        outcome: 'permit',
        purpose: 'TREAT',
        basis: grantBasis,
        recordIds: [rid(1)],
        classes: ['Observation'],
      },
    ]);
  });

  it('tells permitted and refused items of one opening apart, each with its own reason', () => {
    const items = [permit(1), deny(2, 'NO_GRANT'), permit(3, 'Claim'), deny(4, 'RECORD_UNKNOWN'), deny(5, 'NO_GRANT')];
    const lines = logLinesOf({ action: 'open', outcome: 'permit', purpose: 'TREAT', items });
    expect(lines.map(({ outcome, code, recordIds, classes }) => ({ outcome, code, recordIds, classes }))).toEqual([
      { outcome: 'permit', code: undefined, recordIds: [rid(1), rid(3)], classes: ['Observation', 'Claim'] },
      { outcome: 'deny', code: 'NO_GRANT', recordIds: [rid(2), rid(5)], classes: [] },
      { outcome: 'deny', code: 'RECORD_UNKNOWN', recordIds: [rid(4)], classes: [] },
    ]);
  });

  it('keeps bases apart', () => {
    const other: ItemOutcome = { ...permit(2), outcome: 'permit', basis: { ...grantBasis, version: 2 } };
    const lines = logLinesOf({ action: 'open', outcome: 'permit', items: [permit(1), other] });
    expect(lines.map(({ basis }) => basis)).toEqual([grantBasis, { ...grantBasis, version: 2 }]);
  });

  it('lists every record of the sets that were added', () => {
    const setA = '0a'.repeat(16) as SetId;
    const setB = '0b'.repeat(16) as SetId;
    const sets = [
      { setId: setA, classes: ['Observation', 'Claim'] },
      { setId: setB, classes: ['Condition'] },
    ];
    const [line, ...rest] = logLinesOf({ action: 'add', outcome: 'permit', basis: { kind: 'own' }, sets });
    expect(rest).toEqual([]);
    expect(line?.recordIds).toEqual([recordIdOf(setA, 0), recordIdOf(setA, 1), recordIdOf(setB, 0)]);
    expect(line?.classes).toEqual(['Observation', 'Claim', 'Condition']);
  });

  it('has one line without records for everything else', () => {
    const outcome: Outcome = {
      action: 'grant',
      outcome: 'permit',
      grantId: gid(7),
      grantee: { kind: 'person', id: mid('dr-a') },
      untilMs: 5,
    };
    expect(logLinesOf(outcome)).toEqual([
      { action: 'grant', outcome: 'permit', grantId: gid(7), recordIds: [], classes: [] },
    ]);
  });

  it('loses no record and names none twice', () => {
    const items = fc.uniqueArray(
      fc.tuple(fc.nat({ max: 255 }), fc.constantFrom('permit', 'NO_GRANT', 'GRANT_ENDED', 'RECORD_UNKNOWN')),
      { minLength: 1, maxLength: 30, selector: ([seed]) => seed },
    );
    fc.assert(
      fc.property(items, (chosen) => {
        const outcomes = chosen.map(([seed, kind]) =>
          kind === 'permit' ? permit(seed) : deny(seed, kind as DenyCode),
        );
        const lines = logLinesOf({ action: 'open', outcome: 'permit', items: outcomes });
        const logged = lines.flatMap(({ recordIds }) => recordIds);
        expect([...logged].sort()).toEqual(chosen.map(([seed]) => rid(seed)).sort());
        for (const { outcome, recordIds } of lines)
          for (const recordId of recordIds)
            expect(outcomes.find((item) => item.recordId === recordId)?.outcome).toBe(outcome);
      }),
    );
  });
});

describe('formatOutcome', () => {
  it('is read back by parseOutcome', () => {
    const outcome: Outcome = { action: 'open', outcome: 'deny', code: 'NO_GRANT', items: [deny(1, 'NO_GRANT')] };
    expect(parseOutcome(formatOutcome(outcome))).toEqual(outcome);
  });
});

describe('setsOf', () => {
  it('names each set once, in order of first mention', () => {
    const record = (set: string, place: string) => `${set.repeat(16)}${place}` as RecordId;
    expect(setsOf([record('0b', '00'), record('0a', '01'), record('0b', '02')])).toEqual([
      '0b'.repeat(16),
      '0a'.repeat(16),
    ]);
    expect(setsOf([])).toEqual([]);
  });
});
