import { openDurableDatabase } from '../durable-database.js';
import type { Job } from './medledger.js';

export interface StoredJob extends Job {
  readonly memberId: string;
  readonly patientId: string;
}

/** Long work and how far it is. Durable, so that a restart can say what is missing. */
export interface JobStore {
  create(job: { jobId: string; memberId: string; patientId: string; total: number }): void;
  progress(jobId: string, done: number): void;
  finish(jobId: string): void;
  fail(jobId: string, problem: { code: string; detail: string }): void;
  /** Only its owner's: somebody else's job is as unknown as none. */
  find(memberId: string, jobId: string): StoredJob | undefined;
  /** Jobs that a stopped gateway left running: their keys went with the session, so they cannot go on by themselves. */
  failAllRunning(problem: { code: string; detail: string }): number;
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, member_id TEXT NOT NULL, patient_id TEXT NOT NULL, status TEXT NOT NULL,
    done INTEGER NOT NULL, total INTEGER NOT NULL, code TEXT, detail TEXT
  ) STRICT`;

export function openJobStore(path: string): JobStore {
  const database = openDurableDatabase(path, SCHEMA);
  const insert = database.prepare(
    "INSERT INTO jobs VALUES (?, ?, ?, 'running', 0, ?, NULL, NULL) ON CONFLICT (job_id) DO UPDATE SET status = 'running'",
  );
  const setDone = database.prepare('UPDATE jobs SET done = ? WHERE job_id = ?');
  const setDoneAll = database.prepare(
    "UPDATE jobs SET status = 'done', done = total, code = NULL, detail = NULL WHERE job_id = ?",
  );
  const setFailed = database.prepare("UPDATE jobs SET status = 'failed', code = ?, detail = ? WHERE job_id = ?");
  const select = database.prepare('SELECT * FROM jobs WHERE job_id = ? AND member_id = ?');
  const failRunning = database.prepare(
    "UPDATE jobs SET status = 'failed', code = ?, detail = ? WHERE status = 'running'",
  );
  return {
    create: ({ jobId, memberId, patientId, total }) => void insert.run(jobId, memberId, patientId, total),
    progress: (jobId, done) => void setDone.run(done, jobId),
    finish: (jobId) => void setDoneAll.run(jobId),
    fail: (jobId, { code, detail }) => void setFailed.run(code, detail, jobId),
    find: (memberId, jobId) => parseJob(select.get(jobId, memberId)),
    failAllRunning: ({ code, detail }) => Number(failRunning.run(code, detail).changes),
    close: () => database.close(),
  };
}

function parseJob(row: { [column: string]: unknown } | undefined): StoredJob | undefined {
  if (row === undefined) return undefined;
  const problem = row.code === null ? {} : { problem: { code: String(row.code), detail: String(row.detail) } };
  return {
    jobId: String(row.job_id),
    memberId: String(row.member_id),
    patientId: String(row.patient_id),
    status: String(row.status) as Job['status'],
    done: Number(row.done),
    total: Number(row.total),
    ...problem,
  };
}
