import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { isErrorCode, memberId, type PatientId } from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { AddedRecords, RecordsToAdd } from './add-records.js';
import { batchesOf, recordsOfBundle } from './bundle-entries.js';
import type { BackgroundWork } from './background-work.js';
import type { JobStore } from './job-store.js';
import { MedledgerError } from '../medledger-error.js';
import type { Caller, Job } from './medledger.js';
import type { KeysOf } from './people.js';
import type { PlainRecord } from './seal-records.js';

export interface AddBundlePorts {
  readonly keysOf: KeysOf;
  readonly jobs: JobStore;
  readonly background: BackgroundWork;
  readonly add: (input: RecordsToAdd) => Promise<AddedRecords>;
  readonly nowMs: () => number;
  readonly onFailed: (failure: { jobId: string; error: unknown }) => void;
}

const ATTEMPTS_MAX = 5;
const RETRY_DELAY_MS = 1000;

/**
 * Adds a whole FHIR Bundle in the background, a batch an entry. Each batch is tried again while the ledger or the
 * custodians are away; the same bundle sent again with the same Idempotency-Key goes on where it stopped.
 */
export function createAddBundle(ports: AddBundlePorts) {
  return {
    async addBundle(caller: Caller, input: { patientId: string; bundle: object; idempotencyKey?: string }) {
      const identity = ports.keysOf(caller);
      const patientId = memberId(input.patientId, '/patientId');
      const records = recordsOfBundle(input.bundle, ports.nowMs());
      const key = input.idempotencyKey ?? randomUUID();
      const jobId = randomUUID();
      ports.jobs.create({ jobId, memberId: caller.memberId, patientId, total: records.length });
      ports.background.run(() => runJob(ports, { jobId, identity, patientId, records, key }));
      return { jobId };
    },

    async job(caller: Caller, jobId: string): Promise<Job> {
      const found = ports.jobs.find(caller.memberId, jobId);
      if (found === undefined) throw new MedledgerError('JOB_UNKNOWN');
      const { memberId: _memberId, patientId: _patientId, ...job } = found;
      return job;
    },
  };
}

type Run = {
  jobId: string;
  identity: UnlockedIdentity;
  patientId: PatientId;
  records: readonly PlainRecord[];
  key: string;
};

async function runJob(ports: AddBundlePorts, run: Run): Promise<void> {
  const { signal } = ports.background;
  let done = 0;
  try {
    for (const [at, batch] of batchesOf(run.records).entries()) {
      const { identity, patientId } = run;
      const purpose = identity.memberId === patientId ? 'PATRQT' : 'TREAT';
      const key = `${run.key}/${at}`;
      await withRetries(signal, () => ports.add({ identity, patientId, purpose, records: batch, key }));
      // The stores may be closed. The job stays `running`, which the next start reads as cut short.
      if (signal.aborted) return;
      done += batch.length;
      ports.jobs.progress(run.jobId, done);
    }
    ports.jobs.finish(run.jobId);
  } catch (error) {
    if (signal.aborted) return;
    ports.onFailed({ jobId: run.jobId, error });
    const detail = `${done} of ${run.records.length} entries are stored; send the bundle again with the same Idempotency-Key to add the rest.`;
    ports.jobs.fail(run.jobId, { code: codeOf(error), detail });
  }
}

const PASSING: ReadonlySet<string> = new Set([
  'LEDGER_UNAVAILABLE',
  'LEDGER_CONFLICT',
  'OUTCOME_UNKNOWN',
  'CUSTODIANS_UNAVAILABLE',
  'VAULT_UNAVAILABLE',
]);

async function withRetries(signal: AbortSignal, add: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await add();
      return;
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !PASSING.has(codeOf(error))) throw error;
      await wait(RETRY_DELAY_MS * attempt, undefined, { signal });
    }
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL';
  return isErrorCode(code) ? code : 'INTERNAL';
}
