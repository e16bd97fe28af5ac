import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type JobStore, openJobStore } from '../../../gateway/services/job-store.js';

const JOB = { jobId: 'j-1', memberId: 'm-1', patientId: 'p-1', total: 450 };
const PROBLEM = { code: 'LEDGER_UNAVAILABLE', detail: '200 of 450 entries are stored' };

let folder: string;
let jobs: JobStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jobs-'));
  jobs = openJobStore(join(folder, 'jobs.sqlite'));
  jobs.create(JOB);
});

afterEach(() => {
  jobs.close();
  rmSync(folder, { recursive: true });
});

function reopen(): void {
  jobs.close();
  jobs = openJobStore(join(folder, 'jobs.sqlite'));
}

describe('a job', () => {
  it('runs, comes on and is done; all of it is there after the store was opened again', () => {
    expect(jobs.find('m-1', 'j-1')).toEqual({ ...JOB, status: 'running', done: 0 });
    jobs.progress('j-1', 200);
    reopen();
    expect(jobs.find('m-1', 'j-1')).toEqual({ ...JOB, status: 'running', done: 200 });
    jobs.finish('j-1');
    reopen();
    expect(jobs.find('m-1', 'j-1')).toEqual({ ...JOB, status: 'done', done: 450 });
  });

  it('that failed says how far it came and why', () => {
    jobs.progress('j-1', 200);
    jobs.fail('j-1', PROBLEM);
    expect(jobs.find('m-1', 'j-1')).toEqual({ ...JOB, status: 'failed', done: 200, problem: PROBLEM });
  });

  it('of somebody else is as unknown as one that never was', () => {
    expect([jobs.find('m-2', 'j-1'), jobs.find('m-1', 'j-2')]).toEqual([undefined, undefined]);
  });
});

describe('jobs that a stopped gateway left', () => {
  it('are failed where they were running, and left alone where they had ended', () => {
    for (const jobId of ['done', 'failed']) jobs.create({ ...JOB, jobId });
    jobs.finish('done');
    jobs.fail('failed', PROBLEM);
    reopen();
    const stopped = { code: 'SESSION_ENDED', detail: 'the gateway stopped' };
    expect(jobs.failAllRunning(stopped)).toBe(1);
    const ends = ['j-1', 'done', 'failed'].map((jobId) => jobs.find('m-1', jobId));
    expect(ends).toMatchObject([{ status: 'failed', problem: stopped }, { status: 'done' }, { problem: PROBLEM }]);
    expect(jobs.failAllRunning(stopped)).toBe(0);
  });
});
