import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import {
  bundleBytes,
  jobOf,
  jobUntil,
  listRecords,
  open,
  resourcesOf,
  sendBundle,
  sendFile,
  verification,
} from '../support/care.js';
import { jsonOf, type Member, problemOf, signIn, signUp } from '../support/member.js';
import { LEDGER_VICTIMS, type RunningNetwork, runNetwork } from '../support/running-network.js';

/** Three batches: there is something before the crash and something after it. */
const BUNDLE = bundleBytes('alyson');
const RESOURCES = resourcesOf(BUNDLE);

let network: RunningNetwork;

beforeAll(async () => {
  network = await runNetwork();
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

interface Acknowledged {
  readonly recordId: string;
  readonly bytes: Uint8Array;
}

/** Adds files one after another until told to stop, or the gateway is gone. @returns what was answered with 201 */
function keepAdding(member: Member): { stop(): Promise<{ added: Acknowledged[]; refusals: string[] }> } {
  let isStopping = false;
  const added: Acknowledged[] = [];
  const refusals: string[] = [];
  const run = async () => {
    while (!isStopping) {
      const bytes = randomBytes(2000);
      const reply = await sendFile(member, member.memberId, { bytes }).catch(() => undefined);
      if (reply === undefined) return;
      if (reply.status === 201) added.push({ recordId: jsonOf<AddedRecord>(reply).recordId, bytes });
      else refusals.push(problemOf(reply).code);
    }
  };
  const running = run();
  return {
    stop: async () => {
      isStopping = true;
      await running;
      return { added, refusals };
    },
  };
}

/** Every resource of the bundle once, and nothing else but what is named. */
async function expectBundleOnce(member: Member, others: readonly Acknowledged[]): Promise<void> {
  const known = new Set(others.map(({ recordId }) => recordId));
  const records = (await listRecords(member, member.memberId)).filter(({ recordId }) => !known.has(recordId));
  const counted = (classes: readonly string[]) =>
    Object.fromEntries([...Map.groupBy(classes, (name) => name)].map(([name, { length }]) => [name, length]));
  expect(counted(records.map((record) => record.class))).toEqual(counted(RESOURCES.map((r) => r.resourceType)));
  expect(new Set(records.map(({ sha256 }) => sha256)).size).toBe(RESOURCES.length);
}

/** Sends the same bundle with the same key until its job is done. @returns how often it took */
async function sendUntilDone(member: Member, key: string): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const job = await jobUntil(member, await sendBundle(member, BUNDLE, key));
    if (job.status === 'done') return attempt;
    if (attempt === 5) throw new Error(`the job still says ${JSON.stringify(job)}`);
  }
}

async function expectAllThere(member: Member, acknowledged: readonly Acknowledged[]): Promise<void> {
  const listed = new Set((await listRecords(member, member.memberId)).map(({ recordId }) => recordId));
  expect(acknowledged.filter(({ recordId }) => !listed.has(recordId))).toEqual([]);
  for (const { recordId, bytes } of acknowledged) {
    const reply = await open(member, recordId);
    expect([recordId, reply.status, reply.bytes.equals(bytes)]).toEqual([recordId, 200, true]);
  }
}

describe.each(LEDGER_VICTIMS)('kill -9 of %s during a bundle', (victim) => {
  it('loses nothing that was acknowledged; the job resumes by itself or says what is missing', async () => {
    const patient = await signUp(network.gatewayUrl('HospitalAMSP'));
    const adding = keepAdding(patient);
    const jobId = await sendBundle(patient, BUNDLE, 'killed');
    await jobUntil(patient, jobId, ({ done, status }) => done > 0 || status !== 'running');
    const doneBefore = (await jobOf(patient, jobId)).done;
    await network.crashProcess(victim);
    const job = await jobUntil(patient, jobId);
    const { added, refusals } = await adding.stop();
    expect(doneBefore).toBeLessThan(RESOURCES.length);
    expect(refusals).toEqual([]);
    if (job.status === 'failed') expect(job.problem?.detail).toContain(`of ${RESOURCES.length} entries are stored`);
    await sendUntilDone(patient, 'killed');
    await expectBundleOnce(patient, added);
    await expectAllThere(patient, added);
    expect(await verification(patient, patient.memberId)).toMatchObject({ ok: true });
  });
});

describe('kill -9 of the gateway during a bundle', () => {
  it('the job says that it stopped, and sent again with its key the bundle goes on', async () => {
    const patient = await signUp(network.gatewayUrl('HospitalBMSP'));
    const jobId = await sendBundle(patient, BUNDLE, 'gateway');
    await jobUntil(patient, jobId, ({ done, status }) => done > 0 || status !== 'running');
    await network.crashProcess('gateway-hospital-b');
    const again = await signIn(patient);
    const job = await jobOf(again, jobId);
    expect(job).toMatchObject({ status: 'failed', problem: { code: 'SESSION_ENDED' } });
    expect(job.done).toBeLessThan(RESOURCES.length);
    expect(await sendUntilDone(again, 'gateway')).toBe(1);
    await expectBundleOnce(again, []);
    expect(await sendUntilDone(again, 'gateway')).toBe(1);
    await expectBundleOnce(again, []);
  });
});

describe('kill -9 of everything at once', () => {
  it('what was answered with 201 is there after the next start', async () => {
    const patient = await signUp(network.gatewayUrl('HospitalAMSP'));
    const adding = keepAdding(patient);
    const jobId = await sendBundle(patient, BUNDLE, 'power');
    await jobUntil(patient, jobId, ({ done, status }) => done > 0 || status !== 'running');
    const { done } = await jobOf(patient, jobId);
    await network.killAll();
    const { dataDir, portBase } = network;
    const { added } = await adding.stop();
    network = await runNetwork({ dataDir, portBase });
    const again = await signIn(patient);
    const listed = await listRecords(again, again.memberId);
    expect(listed.length).toBeGreaterThanOrEqual(done + added.length);
    await expectAllThere(again, added);
    await sendUntilDone(again, 'power');
    expect((await jobOf(again, jobId)).status).toBe('failed');
    expect(await verification(again, again.memberId)).toMatchObject({ ok: true });
  });
});
