import { randomBytes } from 'node:crypto';
import { inHours } from '../support/care.js';
import { grantBody, NOTHING_BY_DEFAULT } from '../support/consents.js';
import { type Call, jsonOf, type Reply } from '../support/member.js';
import type { Random } from './random.js';
import type { StubbornMember } from './stubborn-member.js';

/** One write that a gateway has acknowledged. */
export interface Acknowledged {
  readonly what: string;
  readonly transactionId: string;
}

export interface AddedContent {
  readonly recordId: string;
  readonly patientId: string;
  readonly content: string;
}

/** A record that somebody has decrypted, by the answer which held it. */
export interface Decryption {
  readonly memberId: string;
  readonly recordId: string;
  readonly transactionId: string;
}

/** What the members know of each other, and what was acknowledged to them. */
export class SharedNotes {
  readonly records: AddedContent[] = [];
  readonly grants: { readonly grantId: string; readonly patientId: string; readonly uses?: number }[] = [];
  readonly requests: { readonly requestId: string; readonly patientId: string }[] = [];
  readonly acknowledged: Acknowledged[] = [];
  readonly decryptions: Decryption[] = [];
  readonly wrong: string[] = [];
  readonly refusals = new Map<string, number>();
  operations = 0;
}

export interface Living {
  readonly member: StubbornMember;
  readonly random: Random;
  readonly notes: SharedNotes;
  readonly patientIds: readonly string[];
  readonly staffIds: readonly string[];
}

type Operation = (living: Living) => Promise<void>;

const USES_MAX = 3;
const EMERGENCIES_PER_MEMBER_MAX = 10;

/** What patients do, each as often as it is named. */
const OF_PATIENTS: readonly Operation[] = [
  add,
  add,
  add,
  open,
  grant,
  grant,
  grant,
  grant,
  alter,
  revoke,
  setPolicy,
  answer,
];
const OF_STAFF: readonly Operation[] = [open, open, open, open, open, open, open, request, addFor, declare];

export async function live(living: Living, untilOver: () => boolean): Promise<void> {
  const { member, random, patientIds } = living;
  const operations = patientIds.includes(member.memberId) ? OF_PATIENTS : OF_STAFF;
  while (!untilOver()) {
    living.notes.operations += 1;
    await random.oneOf(operations)(living);
  }
}

function add(living: Living): Promise<void> {
  return addTo(living, living.member.memberId);
}

function addFor(living: Living): Promise<void> {
  return addTo(living, living.random.oneOf(living.patientIds));
}

async function addTo({ member, random, notes }: Living, patientId: string): Promise<void> {
  const content = `record ${randomBytes(16).toString('hex')}`;
  const recordClass = random.oneOf(['Condition', 'Observation']);
  const reply = await write(member, notes, {
    method: 'POST',
    path: `/v1/patients/${patientId}/records?class=${recordClass}`,
    content: { bytes: Buffer.from(content), type: 'text/plain' },
  });
  if (reply !== undefined)
    notes.records.push({ recordId: jsonOf<{ recordId: string }>(reply).recordId, patientId, content });
}

async function open({ member, random, notes, patientIds }: Living): Promise<void> {
  const isPatient = patientIds.includes(member.memberId);
  const known = notes.records.filter(({ patientId }) => !isPatient || patientId === member.memberId);
  if (known.length === 0) return;
  const { recordId, content } = random.oneOf(known);
  const { reply } = await member.send({ method: 'GET', path: `/v1/records/${recordId}/content` });
  if (reply.status !== 200) return refused(notes, reply);
  const transactionId = reply.headers.get('x-transaction-id') ?? '';
  notes.decryptions.push({ memberId: member.memberId, recordId, transactionId });
  if (reply.bytes.toString() !== content) notes.wrong.push(`${recordId} was opened as something else`);
}

async function grant({ member, random, notes, staffIds }: Living): Promise<void> {
  const uses = random.chance(0.5) ? { uses: 1 + random.below(USES_MAX) } : {};
  const grantee = random.chance(0.3)
    ? { kind: 'agency', id: random.oneOf(['hospital-a', 'hospital-b']) }
    : { kind: 'person', id: random.oneOf(staffIds) };
  const scope = random.chance(0.5) ? { classes: [random.oneOf(['Condition', 'Observation'])] } : {};
  const actions = random.chance(0.5) ? ['read', 'add'] : ['read'];
  const { memberId: patientId } = member;
  const body = grantBody({ grantee, scope, actions, ...uses });
  const reply = await write(member, notes, { method: 'POST', path: `/v1/patients/${patientId}/grants`, body });
  if (reply !== undefined)
    notes.grants.push({ grantId: jsonOf<{ grantId: string }>(reply).grantId, patientId, ...uses });
}

async function alter(living: Living): Promise<void> {
  const { member, random, notes } = living;
  const found = ownGrant(living);
  if (found === undefined) return;
  const body = { until: inHours(1 + random.below(100)) };
  await write(member, notes, { method: 'PUT', path: `/v1/grants/${found}`, body });
}

async function revoke(living: Living): Promise<void> {
  const found = ownGrant(living);
  if (found !== undefined) await write(living.member, living.notes, { method: 'DELETE', path: `/v1/grants/${found}` });
}

function ownGrant({ member, random, notes }: Living): string | undefined {
  const own = notes.grants.filter(({ patientId }) => patientId === member.memberId);
  return own.length === 0 ? undefined : random.oneOf(own).grantId;
}

/** Excludes somebody, or nobody any more. */
async function setPolicy({ member, random, notes, staffIds }: Living): Promise<void> {
  const who = { kind: 'person', id: random.oneOf(staffIds) };
  const exclusions = random.chance(0.5) ? [{ who, scope: { classes: ['Observation'] } }] : [];
  const path = `/v1/patients/${member.memberId}/policy`;
  await write(member, notes, { method: 'PUT', path, body: { ...NOTHING_BY_DEFAULT, exclusions } });
}

async function answer({ member, random, notes }: Living): Promise<void> {
  const asked = notes.requests.filter(({ patientId }) => patientId === member.memberId);
  if (asked.length === 0) return;
  const { requestId } = random.oneOf(asked);
  const isApproved = random.chance(0.7);
  const uses = random.chance(0.5) ? { uses: 1 + random.below(USES_MAX) } : {};
  const path = `/v1/access-requests/${requestId}/${isApproved ? 'approval' : 'refusal'}`;
  const reply = await write(member, notes, { method: 'POST', path, body: isApproved ? uses : {} });
  if (reply === undefined || !isApproved) return;
  const { grantId } = jsonOf<{ grantId: string }>(reply);
  notes.grants.push({ grantId, patientId: member.memberId, ...uses });
}

async function request({ member, random, notes, patientIds }: Living): Promise<void> {
  const patientId = random.oneOf(patientIds);
  const asked = { actions: ['read'], scope: {}, purpose: 'TREAT', until: inHours(24), reason: 'Seen in the ward.' };
  const reply = await write(member, notes, {
    method: 'POST',
    path: '/v1/access-requests',
    body: { patientId, ...asked },
  });
  if (reply !== undefined)
    notes.requests.push({ requestId: jsonOf<{ requestId: string }>(reply).requestId, patientId });
}

async function declare({ member, random, notes }: Living): Promise<void> {
  const declared = member.attempts.filter(({ call }) => call.path.endsWith('/emergencies')).length;
  if (notes.records.length === 0 || declared >= EMERGENCIES_PER_MEMBER_MAX) return;
  const { recordId, patientId } = random.oneOf(notes.records);
  const body = { reason: 'unconscious', recordIds: [recordId] };
  const path = `/v1/patients/${patientId}/emergencies`;
  const reply = await write(member, notes, { method: 'POST', path, body });
  if (reply === undefined) return;
  const { records, transactionId } = jsonOf<{ records: { outcome: string }[]; transactionId: string }>(reply);
  if (records[0]?.outcome === 'permit') notes.decryptions.push({ memberId: member.memberId, recordId, transactionId });
}

/** @returns undefined for a refusal */
async function write(member: StubbornMember, notes: SharedNotes, call: Call): Promise<Reply | undefined> {
  const isPost = call.method === 'POST';
  const keyed = isPost ? { ...call, idempotencyKey: randomBytes(12).toString('hex') } : call;
  const { reply } = await member.send(keyed);
  if (reply.status >= 300) {
    refused(notes, reply);
    return undefined;
  }
  const { transactionId } = jsonOf<{ transactionId?: string }>(reply);
  // The repeated request for access finds the first one and names no transaction.
  if (transactionId !== undefined)
    notes.acknowledged.push({ what: `${member.memberId}: ${call.method} ${call.path}`, transactionId });
  return reply;
}

function refused(notes: SharedNotes, reply: Reply): void {
  const { code } = jsonOf<{ code: string }>(reply);
  notes.refusals.set(code, (notes.refusals.get(code) ?? 0) + 1);
}
