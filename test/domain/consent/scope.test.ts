import { describe, expect, it } from '@jest/globals';
import { covers, isWithin, limits, type Scope, scope } from '@medledger/chaincode/domain';
import fc from 'fast-check';
import { DATE_MS, rid, SAMPLE_RECORD as observation } from './grant-samples.js';
import { recordFacts, scopes } from './random-consents.js';

const { recordId: _recordId, ...made } = observation;

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
    { name: 'a window that begins with its date', given: { dataFromMs: DATE_MS }, covered: true },
    { name: 'a window that begins after it', given: { dataFromMs: DATE_MS + 1 }, covered: false },
    { name: 'a window that ends with it', given: { dataUntilMs: DATE_MS }, covered: false },
    { name: 'a window that ends after it', given: { dataUntilMs: DATE_MS + 1 }, covered: true },
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
    expect(covers({ classes: ['Observation'] }, made)).toBe(true);
    expect(covers({ records: [rid(1)] }, made)).toBe(false);
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
    { name: 'any date in a window', inner: {}, outer: { dataFromMs: 1 } },
    { name: 'an earlier date', inner: { dataFromMs: 0 }, outer: { dataFromMs: 1 } },
    { name: 'a later date', inner: { dataUntilMs: 2 }, outer: { dataUntilMs: 1 } },
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
    { value: { dataFromMs: 1, dataUntilMs: 1 }, message: 'INPUT_INVALID: /scope/dataUntilMs must be after' },
    { value: { dataUntilMs: null }, message: 'INPUT_INVALID: /scope/dataUntilMs ' },
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
