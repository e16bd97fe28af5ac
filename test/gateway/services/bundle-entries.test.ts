import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { limits } from '@medledger/chaincode/domain';
import { batchesOf, recordsOfBundle } from '../../../gateway/services/bundle-entries.js';

const NOW_MS = Date.UTC(2026, 10, 20);

function bundleOf(...resources: object[]): object {
  return { resourceType: 'Bundle', entry: resources.map((resource) => ({ resource })) };
}

function onlyRecord(resource: object) {
  const [record] = recordsOfBundle(bundleOf({ resourceType: 'Observation', ...resource }), NOW_MS);
  if (record === undefined) throw new Error('no record');
  return record;
}

describe('the entries of a bundle', () => {
  it('of Synthea: each resource a record of its class, with its content and its own date', () => {
    const bundle = JSON.parse(
      readFileSync(new URL('../../fixtures/synthea/ezekiel.json', import.meta.url), 'utf8'),
    ) as { entry: { resource: { resourceType: string } }[] };
    const records = recordsOfBundle(bundle, NOW_MS);
    expect(records.map((record) => record.class)).toEqual(bundle.entry.map(({ resource }) => resource.resourceType));
    expect(records.map(({ content }) => JSON.parse(Buffer.from(content).toString('utf8')))).toEqual(
      bundle.entry.map(({ resource }) => resource),
    );
    expect(records.filter(({ dateMs }) => dateMs === NOW_MS)).toEqual([]);
  });

  it.each([
    { name: 'a moment', resource: { effectiveDateTime: '2020-02-03T04:05:06Z' }, date: '2020-02-03T04:05:06.000Z' },
    { name: 'a day', resource: { birthDate: '1950-01-02' }, date: '1950-01-02T00:00:00.000Z' },
    { name: 'a year', resource: { onsetDateTime: '1999' }, date: '1999-01-01T00:00:00.000Z' },
    { name: 'a period', resource: { period: { start: '2001-02-03' } }, date: '2001-02-03T00:00:00.000Z' },
    {
      name: 'what it tells before when it was written',
      resource: { issued: '2022-01-01T00:00:00Z', effectiveDateTime: '2021-01-01T00:00:00Z' },
      date: '2021-01-01T00:00:00.000Z',
    },
    {
      name: 'the next date after one that is none',
      resource: { date: '2003-01-01', issued: 'soon' },
      date: '2003-01-01T00:00:00.000Z',
    },
    { name: 'now, where it has none', resource: {}, date: new Date(NOW_MS).toISOString() },
  ])('carry $name', ({ resource, date }) => {
    expect(new Date(onlyRecord(resource).dateMs).toISOString()).toBe(date);
  });

  it.each([
    { name: 'no label', meta: {}, label: 'N' },
    { name: 'another system of labels', meta: { security: [{ code: 'HTEST' }] }, label: 'N' },
    { name: 'a restricted label', meta: { security: [{ code: 'HTEST' }, { code: 'R' }] }, label: 'R' },
  ])('with $name are labelled $label', ({ meta, label }) => {
    expect(onlyRecord({ meta }).label).toBe(label);
  });

  it('with label V refuse the whole bundle before anything is stored, and name the entry', () => {
    const secret = { resourceType: 'Observation', meta: { security: [{ code: 'V' }] } };
    const bundle = bundleOf({ resourceType: 'Observation' }, secret);
    expect(() => recordsOfBundle(bundle, NOW_MS)).toThrow(/^NOT_SUPPORTED: \/entry\/1\/resource/);
  });

  it.each([
    { name: 'no bundle', bundle: { resourceType: 'Patient', entry: [{}] }, pointer: '/resourceType' },
    { name: 'no entries', bundle: { resourceType: 'Bundle', entry: [] }, pointer: '/entry' },
    { name: 'entries that are no list', bundle: { resourceType: 'Bundle', entry: {} }, pointer: '/entry' },
    {
      name: 'an entry without a resource',
      bundle: bundleOf({ resourceType: 'Patient' }, []),
      pointer: '/entry/1/resource',
    },
    { name: 'a resource without a type', bundle: bundleOf({}), pointer: '/entry/0/resource/resourceType' },
    {
      name: 'a type that is none',
      bundle: bundleOf({ resourceType: 'x~y' }),
      pointer: '/entry/0/resource/resourceType',
    },
  ])('$name: refused at $pointer', ({ bundle, pointer }) => {
    expect(() => recordsOfBundle(bundle, NOW_MS)).toThrow(`INPUT_INVALID: ${pointer} `);
  });
});

describe('batches', () => {
  const MAX = limits.RECORDS_PER_BATCH_MAX;

  it.each([
    { count: 1, sizes: [1] },
    { count: MAX, sizes: [MAX] },
    { count: MAX + 1, sizes: [MAX, 1] },
  ])('of $count records have $sizes, in order', ({ count, sizes }) => {
    const resources = Array.from({ length: count }, (_, id) => ({ resourceType: 'Observation', id: String(id) }));
    const records = recordsOfBundle(bundleOf(...resources), NOW_MS);
    expect(batchesOf(records).map(({ length }) => length)).toEqual(sizes);
    expect(batchesOf(records).flat()).toEqual(records);
  });
});
