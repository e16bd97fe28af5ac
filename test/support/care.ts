import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { AddedRecord, Job } from '../../gateway/services/medledger.js';
import { type Member, type Reply, send } from './member.js';

/** What patients and those who treat them do, through REST. */

export interface ShownRecord {
  readonly recordId: string;
  readonly class: string;
  readonly cid: string;
  readonly sha256: string;
  readonly transactionId: string;
}

export interface ShownLogItem {
  readonly action: string;
  readonly actor: { readonly memberId: string; readonly role: string; readonly organisation: string };
  readonly recordIds: readonly string[];
  readonly outcome: 'permit' | 'deny';
  readonly code?: string;
  readonly basis?: { readonly kind: string; readonly grantId?: string };
  readonly transactionId: string;
  readonly blockNumber: number;
}

export interface ShownTransaction {
  readonly transactionId: string;
  readonly blockNumber: number;
  readonly validationCode: string;
  readonly transaction: string;
  readonly creator: { readonly memberId: string };
  readonly endorsers: readonly string[];
}

export interface Verdict {
  readonly ok: boolean;
  readonly lanes: number;
  readonly entries: number;
  readonly firstBad?: { readonly lane: string; readonly sequence: number; readonly reason: string };
}

const HOUR_MS = 3_600_000;
const POLL_MS = 100;
const PAGE = 200;

export function bundleBytes(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/synthea/${name}.json`, import.meta.url));
}

export function resourcesOf(bundle: Uint8Array): readonly { readonly resourceType: string; readonly id: string }[] {
  const { entry } = JSON.parse(Buffer.from(bundle).toString('utf8')) as {
    entry: { resource: { resourceType: string; id: string } }[];
  };
  return entry.map(({ resource }) => resource);
}

export function inHours(hours: number): string {
  return new Date(Date.now() + hours * HOUR_MS).toISOString();
}

export interface FileToAdd {
  readonly bytes: Uint8Array;
  readonly type?: string;
  readonly class?: string;
  readonly key?: string;
}

export function sendFile(member: Member, patientId: string, file: FileToAdd): Promise<Reply> {
  const query = file.class === undefined ? '' : `?class=${file.class}`;
  return member.send({
    method: 'POST',
    path: `/v1/patients/${patientId}/records${query}`,
    content: { bytes: file.bytes, type: file.type ?? 'application/octet-stream' },
    ...(file.key === undefined ? {} : { idempotencyKey: file.key }),
  });
}

/** @throws Error with the problem */
export async function addFile(member: Member, patientId: string, file: FileToAdd): Promise<AddedRecord> {
  const reply = await sendFile(member, patientId, file);
  if (reply.status !== 201) throw new Error(`add: ${reply.status} ${reply.bytes}`);
  return JSON.parse(reply.bytes.toString('utf8')) as AddedRecord;
}

/** @returns the job's id */
export async function sendBundle(member: Member, bundle: Uint8Array, key: string): Promise<string> {
  const { jobId } = await member.ask<{ jobId: string }>({
    method: 'POST',
    path: `/v1/patients/${member.memberId}/bundles`,
    content: { bytes: bundle, type: 'application/fhir+json' },
    idempotencyKey: key,
  });
  return jobId;
}

export function jobOf(member: Member, jobId: string): Promise<Job> {
  return member.ask<Job>({ method: 'GET', path: `/v1/jobs/${jobId}` });
}

/** @param isIt - which state of the job to wait for; its end where left out */
export async function jobUntil(
  member: Member,
  jobId: string,
  isIt: (job: Job) => boolean = ({ status }) => status !== 'running',
): Promise<Job> {
  for (;;) {
    const job = await jobOf(member, jobId);
    if (isIt(job)) return job;
    await wait(POLL_MS);
  }
}

export async function addBundle(member: Member, bundle: Uint8Array, key: string): Promise<Job> {
  return jobUntil(member, await sendBundle(member, bundle, key));
}

export function open(member: Member, recordId: string, purpose?: string): Promise<Reply> {
  const query = purpose === undefined ? '' : `?purpose=${purpose}`;
  return member.send({ method: 'GET', path: `/v1/records/${recordId}/content${query}` });
}

export interface GrantToGive {
  readonly to: string;
  readonly purpose?: string;
  readonly classes?: readonly string[];
  readonly records?: readonly string[];
  readonly actions?: readonly string[];
  readonly until?: string;
}

export function giveGrant(patient: Member, grant: GrantToGive): Promise<{ grantId: string; transactionId: string }> {
  const { to, purpose = 'TREAT', actions = ['read'], until = inHours(24), classes, records } = grant;
  const scope = { ...(classes === undefined ? {} : { classes }), ...(records === undefined ? {} : { records }) };
  return patient.ask({
    method: 'POST',
    path: `/v1/patients/${patient.memberId}/grants`,
    body: { grantee: { kind: 'person', id: to }, actions, scope, purpose, until },
  });
}

export function revoke(patient: Member, grantId: string): Promise<{ transactionId: string }> {
  return patient.ask({ method: 'DELETE', path: `/v1/grants/${grantId}` });
}

/** Every record the member may know of. */
export function listRecords(member: Member, patientId: string): Promise<ShownRecord[]> {
  return all(member, `/v1/patients/${patientId}/records`);
}

/** Newest first. */
export function accessLog(member: Member, patientId: string): Promise<ShownLogItem[]> {
  return all(member, `/v1/patients/${patientId}/access-log`);
}

export function verification(member: Member, patientId: string): Promise<Verdict> {
  return member.ask({ method: 'GET', path: `/v1/patients/${patientId}/verification` });
}

export function transactionOf(member: Member, transactionId: string): Promise<ShownTransaction> {
  return member.ask({ method: 'GET', path: `/v1/explorer/transactions/${transactionId}` });
}

/** Values of a gateway's /metrics, by name with labels. */
export async function metricsOf(gatewayUrl: string): Promise<ReadonlyMap<string, number>> {
  const { bytes } = await send(gatewayUrl, { method: 'GET', path: '/metrics' });
  const lines = bytes.toString('utf8').split('\n');
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line): [string, number] => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

async function all<T>(member: Member, path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor = '';
  for (;;) {
    const page = await member.ask<{ items: T[]; next?: string }>({
      method: 'GET',
      path: `${path}?limit=${PAGE}${cursor}`,
    });
    items.push(...page.items);
    if (page.next === undefined) return items;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
}
