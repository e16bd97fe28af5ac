import { describe, expect, it } from '@jest/globals';
import { covers, isWithin, limits, type RecordFacts, type Scope, scope } from '@medledger/chaincode/domain';
import fc from 'fast-check';
import { recordFacts, rid, scopes } from './grant-samples.js';

const observation: RecordFacts = { recordId: rid(1), class: 'Observation', label: 'N' };

describe('covers', () => {
  it.each<{ name: string; given: Scope; covered: boolean }>([
    { name: 'nothing named', given: {}, covered: true },
    { name: 'its class', given: { classes: ['Condition', 'Observation'] }, covered: true },
    { name: 'another class', given: { classes: ['Condition'] }, covered: false },
    { name: 'its id', given: { records: [rid(1)] }, covered: true },
    { name: 'another id', given: { records: [rid(2)] }, covered: false },
    { name: 'its id but another class', given: { records: [rid(1)], classes: ['Condition'] }, covered: false },
    { name: 'restricted only', given: { labels: ['R'] }, covered: false },
    { name: 'normal and restricted', given: { labels: ['N', 'R'] }, covered: true },
  ])('a normal record with $name: $covered', ({ given, covered }) => {
    expect(covers(given, observation)).toBe(covered);
  });

  it('a restricted record only when its label is named', () => {
    const restricted = { ...observation, label: 'R' as const };
    expect(covers({}, restricted)).toBe(false);
    expect(covers({ records: [rid(1)] }, restricted)).toBe(false);
    expect(covers({ labels: ['R'] }, restricted)).toBe(true);
  });

  it('a record not made yet by class, never by a list of ids', () => {
    expect(covers({ classes: ['Observation'] }, { class: 'Observation', label: 'N' })).toBe(true);
    expect(covers({ records: [rid(1)] }, { class: 'Observation', label: 'N' })).toBe(false);
  });
});

describe('isWithin', () => {
  it('means that whatever the inner scope covers, the outer covers too', () => {
    fc.assert(
      fc.property(scopes, scopes, recordFacts, (inner, outer, record) => {
        fc.pre(isWithin(inner, outer));
        if (covers(inner, record)) expect(covers(outer, record)).toBe(true);
      }),
      { numRuns: 1000, maxSkipsPerRun: 1000 },
    );
  });

  it('holds of a scope and itself, of any scope and the widest, and through a scope in between', () => {
    fc.assert(
      fc.property(scopes, scopes, scopes, (a, b, c) => {
        expect(isWithin(a, a)).toBe(true);
        expect(isWithin(a, { labels: ['N', 'R'] })).toBe(true);
        if (isWithin(a, b) && isWithin(b, c)) expect(isWithin(a, c)).toBe(true);
      }),
    );
  });

  it.each<{ name: string; inner: Scope; outer: Scope }>([
    { name: 'any class in one class', inner: {}, outer: { classes: ['Observation'] } },
    { name: 'any record in one record', inner: {}, outer: { records: [rid(1)] } },
    { name: 'a class more', inner: { classes: ['Observation', 'Claim'] }, outer: { classes: ['Observation'] } },
    { name: 'restricted in the default', inner: { labels: ['R'] }, outer: {} },
    { name: 'restricted added', inner: { labels: ['N', 'R'] }, outer: { labels: ['N'] } },
    { name: 'the default in restricted only', inner: {}, outer: { labels: ['R'] } },
  ])('refuses $name', ({ inner, outer }) => {
    expect(isWithin(inner, outer)).toBe(false);
  });
});

describe('scope', () => {
  it('takes what it gives back', () => {
    fc.assert(
      fc.property(scopes, (given) => {
        expect(scope(given, '')).toEqual(given);
      }),
    );
  });

  it.each([
    { value: { labels: ['V'] }, message: 'NOT_SUPPORTED: /scope/labels/0 ' },
    { value: { labels: ['N', 'V'] }, message: 'NOT_SUPPORTED: /scope/labels/1 ' },
    { value: { dataFrom: 0 }, message: 'NOT_SUPPORTED: /scope/dataFrom ' },
    { value: { dataUntil: null }, message: 'NOT_SUPPORTED: /scope/dataUntil ' },
    { value: { labels: ['N', 'N'] }, message: 'INPUT_INVALID: /scope/labels names an item twice' },
    { value: { labels: [] }, message: 'INPUT_INVALID: /scope/labels must have 1 to 2 items' },
    { value: { classes: [] }, message: 'INPUT_INVALID: /scope/classes must have' },
    { value: { classes: ['observation'] }, message: 'INPUT_INVALID: /scope/classes/0 must be' },
    { value: { records: ['x'] }, message: 'INPUT_INVALID: /scope/records/0 must be' },
    { value: { patients: [] }, message: 'INPUT_INVALID: /scope/patients is not a known member' },
  ])('refuses $value', ({ value, message }) => {
    expect(() => scope(value, '/scope')).toThrow(message);
  });

  it('takes as many classes as its bound and no more', () => {
    const named = (count: number) =>
      Array.from({ length: count }, (_, at) => `Class${'abcdefghij'[at % 10]}${'x'.repeat(at / 10)}`);
    expect(scope({ classes: named(limits.SCOPE_CLASSES_MAX) }, '').classes).toHaveLength(limits.SCOPE_CLASSES_MAX);
    expect(() => scope({ classes: named(limits.SCOPE_CLASSES_MAX + 1) }, '')).toThrow('INPUT_INVALID: /classes');
  });
});
