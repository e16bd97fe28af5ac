import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Credentials, newPassword } from './credentials.js';
import { demoGrants, grantBodyOf } from './demo-grants.js';
import { type MemberClient, memberClient, parseText } from './member-client.js';
import { type RestClient, restClient } from './rest-client.js';
import { type PatientNote, SeedNotes } from './seed-notes.js';

export interface SeedPlace {
  /** Folder of the Synthea bundles. */
  readonly bundleDir: string;
  readonly dataDir: string;
  readonly gatewayUrlOf: (mspId: string) => string;
  readonly credentials: Credentials;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
}

/** Ten patients of Synthea; in turn they sign up at the two hospitals. */
const BUNDLES = [
  'alyson',
  'celia',
  'doloris',
  'ezekiel',
  'jose',
  'marcie',
  'rusty',
  'shira',
  'thomasina',
  'troy',
] as const;
const HOSPITALS = ['HospitalAMSP', 'HospitalBMSP'] as const;
/** As many as keep both hospitals' gateways at work. */
const PATIENTS_AT_ONCE = 3;
const POLL_MS = 200;
/** How often a bundle is sent again after its job has failed. */
const JOBS_MAX = 5;

/** Whether an earlier run has done all of it. */
export function isSeeded(dataDir: string): boolean {
  return new SeedNotes(dataDir, firstNotes).isDone;
}

/**
 * Signs up the patients of the demonstration, adds their bundles and gives their grants, all through REST. What is
 * done is noted: called again, it goes on where it stopped.
 *
 * @throws RestError when a gateway refuses
 */
export async function seedNetwork(place: SeedPlace): Promise<void> {
  const notes = new SeedNotes(place.dataDir, firstNotes);
  await notes.begin();
  const waiting = notes.patients.map(({ bundle }) => bundle);
  let completed = 0;
  const work = async () => {
    for (let bundle = waiting.shift(); bundle !== undefined; bundle = waiting.shift()) {
      const entries = await seedPatient(place, notes, bundle);
      completed += 1;
      place.say(`patient ${completed} of ${notes.patients.length}: ${entries} records of ${bundle}`);
    }
  };
  await Promise.all(Array.from({ length: PATIENTS_AT_ONCE }, work));
  await notes.finish();
}

function firstNotes() {
  const patients = BUNDLES.map((bundle, at): PatientNote => {
    return { bundle, mspId: HOSPITALS[at % HOSPITALS.length] ?? HOSPITALS[0], password: newPassword(), grants: [] };
  });
  return { seedId: randomUUID(), patients };
}

/** @returns how many entries the patient's bundle has */
async function seedPatient(place: SeedPlace, notes: SeedNotes, bundle: string): Promise<number> {
  const gatewayUrl = place.gatewayUrlOf(notes.patient(bundle).mspId);
  const client = restClient(gatewayUrl, place.signal);
  const patientId = await ensurePatient(place, notes, { bundle, client, gatewayUrl });
  const { password, entries, grants } = notes.patient(bundle);
  const missing = demoGrants(bundle).filter(({ name }) => !grants.includes(name));
  if (entries !== undefined && missing.length === 0) return entries;
  const member = await memberClient(client, patientId, password);
  const total = entries ?? (await addBundle(place, member, { bundle, seedId: notes.seedId }));
  await notes.update(bundle, { entries: total });
  for (const grant of missing) {
    const body = grantBodyOf(grant, place.nowMs());
    // Without an Idempotency-Key: `until` counts from now, so an earlier run asked for something else.
    await member.request({ method: 'POST', path: `/v1/patients/${patientId}/grants`, body });
    await notes.update(bundle, { grants: [...notes.patient(bundle).grants, grant.name] });
  }
  await member.signOut();
  return total;
}

async function ensurePatient(
  { credentials }: SeedPlace,
  notes: SeedNotes,
  { bundle, client, gatewayUrl }: { bundle: string; client: RestClient; gatewayUrl: string },
): Promise<string> {
  const { patientId: known, password, mspId } = notes.patient(bundle);
  const patientId = known ?? (await signUp(client, { password, idempotencyKey: `${notes.seedId}/sign-up/${bundle}` }));
  await credentials.put([{ memberId: patientId, role: 'patient', organisation: mspId, gatewayUrl, password }]);
  await notes.update(bundle, { patientId });
  return patientId;
}

async function signUp(client: RestClient, { password, idempotencyKey }: { password: string; idempotencyKey: string }) {
  const answer = await client.request({ method: 'POST', path: '/v1/patients', idempotencyKey, body: { password } });
  return parseText(answer, 'patientId');
}

/** @returns how many entries it has */
async function addBundle(
  { bundleDir, signal }: SeedPlace,
  member: MemberClient,
  { bundle, seedId }: { bundle: string; seedId: string },
): Promise<number> {
  const bytes = await readFile(join(bundleDir, `${bundle}.json`));
  for (let attempt = 1; ; attempt++) {
    const answer = await member.request({
      method: 'POST',
      path: `/v1/patients/${member.memberId}/bundles`,
      // The same key each time: a bundle that was half added goes on where it stopped.
      idempotencyKey: `${seedId}/bundle/${bundle}`,
      content: { bytes, type: 'application/fhir+json' },
    });
    const job = await finishedJob(member, parseText(answer, 'jobId'), signal);
    if (job.status === 'done') return job.total;
    if (attempt === JOBS_MAX) throw new Error(`The records of ${bundle} were not all added: ${job.reason}`);
    await wait(POLL_MS * attempt, undefined, { signal });
  }
}

async function finishedJob(member: MemberClient, jobId: string, signal: AbortSignal): Promise<EndedJob> {
  for (;;) {
    const job = parseJob(await member.request({ method: 'GET', path: `/v1/jobs/${jobId}` }));
    if (job.status !== 'running') return job;
    await wait(POLL_MS, undefined, { signal });
  }
}

interface EndedJob {
  readonly status: string;
  readonly total: number;
  readonly reason: string;
}

function parseJob(value: unknown): EndedJob {
  const { status, total, problem } = value as {
    status: string;
    total: number;
    problem?: { code: string; detail: string };
  };
  return { status, total, reason: problem === undefined ? '' : `${problem.code} ${problem.detail}` };
}
