import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../../../gateway/identity/member-keys.js';
import { createAddBundle } from '../../../gateway/services/add-bundle.js';
import { type BackgroundWork, createBackgroundWork } from '../../../gateway/services/background-work.js';
import type { RecordsToAdd } from '../../../gateway/services/add-records.js';
import { type JobStore, openJobStore } from '../../../gateway/services/job-store.js';
import type { Caller } from '../../../gateway/services/medledger.js';
import { untilTrue } from '../../support/eventually.js';

const CALLER: Caller = { memberId: 'p-1', role: 'patient', sessionId: 's' };
/** Three batches. */
const BUNDLE = {
  resourceType: 'Bundle',
  entry: Array.from({ length: 450 }, () => ({ resource: { resourceType: 'Observation' } })),
};

let folder: string;
let jobs: JobStore;
let background: BackgroundWork;
let added: number[];
let failures: unknown[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'add-bundle-'));
  jobs = openJobStore(join(folder, 'jobs.sqlite'));
  background = createBackgroundWork({ graceMs: 120_000 });
  added = [];
  failures = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function bundles(add: (input: RecordsToAdd) => Promise<void>) {
  return createAddBundle({
    keysOf: () => ({ memberId: 'p-1' }) as UnlockedIdentity,
    jobs,
    background,
    add: async (input) => {
      await add(input);
      added.push(input.records.length);
      return { transactionId: 'tx', records: [] };
    },
    nowMs: () => 0,
    onFailed: ({ error }) => failures.push(error),
  });
}

function until(condition: () => boolean): Promise<boolean> {
  return untilTrue(condition, Boolean);
}

describe('a bundle in the background', () => {
  it('is added batch by batch', async () => {
    const { addBundle, job } = bundles(async () => {});
    const { jobId } = await addBundle(CALLER, { patientId: 'p-1', bundle: BUNDLE });
    await until(() => added.length === 3);
    await until(() => jobs.find('p-1', jobId)?.status === 'done');
    expect(added).toEqual([200, 200, 50]);
    expect(await job(CALLER, jobId)).toMatchObject({ status: 'done', done: 450, total: 450 });
  });

  it('ends with the batch at hand when the gateway stops, and writes nothing after it', async () => {
    const { addBundle } = bundles(() => wait(100).then(() => undefined));
    const { jobId } = await addBundle(CALLER, { patientId: 'p-1', bundle: BUNDLE });
    await background.stop();
    jobs.close();
    expect(added).toEqual([200]);
    jobs = openJobStore(join(folder, 'jobs.sqlite'));
    expect(jobs.find('p-1', jobId)).toMatchObject({ status: 'running', done: 0 });
    expect(jobs.failAllRunning({ code: 'SESSION_ENDED', detail: 'stopped' })).toBe(1);
  });

  it('stops waiting to try again when the gateway stops', async () => {
    const { addBundle } = bundles(async () => {
      throw new DomainError('LEDGER_UNAVAILABLE', 'no peer');
    });
    await addBundle(CALLER, { patientId: 'p-1', bundle: BUNDLE });
    await wait(20);
    const sinceMs = performance.now();
    await background.stop();
    expect(performance.now() - sinceMs).toBeLessThan(60_000);
    expect(failures).toEqual([]);
  });

  it('does not hold up a stop for ever', async () => {
    background = createBackgroundWork({ graceMs: 50 });
    const { addBundle } = bundles(() => new Promise(() => {}));
    await addBundle(CALLER, { patientId: 'p-1', bundle: BUNDLE });
    await expect(background.stop()).resolves.toBeUndefined();
  });

  it('says what is missing when a batch cannot be added', async () => {
    const { addBundle, job } = bundles(async () => {
      if (added.length === 1) throw new DomainError('NO_GRANT', 'none');
    });
    const { jobId } = await addBundle(CALLER, { patientId: 'p-1', bundle: BUNDLE });
    await until(() => failures.length === 1);
    expect(await job(CALLER, jobId)).toMatchObject({ status: 'failed', done: 200, problem: { code: 'NO_GRANT' } });
  });

  it.each([
    { name: 'of label V', resource: { meta: { security: [{ code: 'V' }] } }, code: 'NOT_SUPPORTED' },
    { name: 'without a type', resource: { resourceType: 1 }, code: 'INPUT_INVALID' },
  ])('with an entry $name is refused before any of it is added', async ({ resource, code }) => {
    const { addBundle } = bundles(async () => {});
    const bad = { resource: { resourceType: 'Observation', ...resource } };
    const bundle = { ...BUNDLE, entry: [...BUNDLE.entry, bad] };
    await expect(addBundle(CALLER, { patientId: 'p-1', bundle })).rejects.toThrow(code);
    expect(added).toEqual([]);
  });

  it.each(['+200000-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', 'soon'])(
    'takes no date from %s, which the rules would refuse',
    async (issued) => {
      const dates: number[] = [];
      const { addBundle } = bundles(async ({ records }) => void dates.push(...records.map(({ dateMs }) => dateMs)));
      const bundle = { resourceType: 'Bundle', entry: [{ resource: { resourceType: 'Observation', issued } }] };
      await addBundle(CALLER, { patientId: 'p-1', bundle });
      await until(() => added.length === 1);
      expect(dates).toEqual([0]);
    },
  );
});
