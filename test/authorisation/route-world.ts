import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { AddedRecord } from '../../gateway/services/medledger.js';
import { addBundle, addFile, giveGrant, inHours, revoke } from '../support/care.js';
import { give, grantBody, NOTHING_BY_DEFAULT, sendEmergency, setPolicy } from '../support/consents.js';
import { eventually } from '../support/eventually.js';
import { jsonOf, type Member, signIn, signUp } from '../support/member.js';
import type { RunningNetwork } from '../support/running-network.js';
import type { Asker, Case, Relation } from './rules.js';

/** One patient, and what there is of it to ask for. None of it is the asker's. */
export interface RoutePatient {
  readonly member: Member;
  readonly record: AddedRecord;
  readonly jobId: string;
  readonly groupId: string;
  /** What an answer uses up is made anew: a grant to doctor-b, a request by doctor-b, and the like. */
  readonly fresh: FreshTargets;
}

export interface FreshTargets {
  grantId(): Promise<string>;
  requestId(): Promise<string>;
  representationId(): Promise<string>;
  delegationId(): Promise<string>;
  emergencyId(): Promise<string>;
  /** Something was used up: each is made anew when it is asked for next. */
  renew(): void;
}

/** One case: who asks, about whom. */
export interface RouteCase {
  readonly network: RunningNetwork;
  /** Absent: not signed in. */
  readonly asker?: Member;
  readonly patient: RoutePatient;
}

export interface RouteWorld {
  caseOf(asked: Case): RouteCase;
}

const STAFF: Readonly<Record<string, string>> = {
  doctor: 'doctor-a',
  nurse: 'nurse-a',
  insurer: 'insurer-1',
  government: 'officer-1',
  auditor: 'auditor-1',
  admin: 'admin-a',
};
const RELATED: readonly Asker[] = ['patient', 'doctor', 'nurse', 'insurer', 'government'];
const BUNDLE = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: { resourceType: 'Observation' } }] };
export const BUNDLE_BYTES = Buffer.from(JSON.stringify(BUNDLE));
/** Longer than a grant takes on a busy machine; making the rest of the world takes as long. */
const EXPIRES_IN_MS = 15_000;

/** One patient for each relation; every asker who can be so related to it is. */
export async function makeRouteWorld(network: RunningNetwork): Promise<RouteWorld> {
  const askers = new Map<Asker, Member>();
  for (const [role, memberId] of Object.entries(STAFF))
    askers.set(role as Asker, await signIn(network.credential(memberId)));
  askers.set('patient', await signUp(network.gatewayUrl('HospitalBMSP')));
  const third = await signUp(network.gatewayUrl('HospitalAMSP'));
  const doctorB = await signIn(network.credential('doctor-b'));
  const declarer = await signIn(network.credential('doctor-b-2'));
  // A peer may be a block behind; what was made anew is asked for when all of them have it.
  const watching = [memberOf(askers, 'doctor'), doctorB, memberOf(askers, 'government')];
  const settled = async (transactionId: string) => {
    for (const member of watching)
      await eventually(() => member.ask({ method: 'GET', path: `/v1/explorer/transactions/${transactionId}` }));
  };
  const others = { third, doctorB, declarer, settled };
  const patients = new Map<Relation, RoutePatient>();
  let expiredAtMs = 0;
  for (const relation of ['expired', 'own', 'other', 'granted', 'delegated', 'represented', 'revoked'] as const) {
    const patient = await makePatient(network, others);
    for (const asker of RELATED) await relate(relation, { ...others, patient, asker: memberOf(askers, asker) });
    patients.set(relation, patient);
    if (relation === 'expired') expiredAtMs = Date.now() + EXPIRES_IN_MS;
  }
  await wait(Math.max(0, expiredAtMs - Date.now()));
  return {
    caseOf: (asked) => {
      const [asker, relation] = asked.split('/') as [Asker, Relation];
      const patient = patients.get(relation);
      if (patient === undefined) throw new Error(`no patient for ${asked}`);
      if (asker === 'nobody') return { network, patient };
      return { network, patient, asker: relation === 'own' ? patient.member : memberOf(askers, asker) };
    },
  };
}

function memberOf(askers: ReadonlyMap<Asker, Member>, asker: Asker): Member {
  const member = askers.get(asker);
  if (member === undefined) throw new Error(`no ${asker}`);
  return member;
}

interface Others {
  readonly third: Member;
  readonly doctorB: Member;
  readonly declarer: Member;
  /** Resolves when every peer has the transaction. */
  readonly settled: (transactionId: string) => Promise<void>;
}

async function makePatient(network: RunningNetwork, others: Others): Promise<RoutePatient> {
  const member = await signUp(network.gatewayUrl('HospitalAMSP'));
  const record = await addFile(member, member.memberId, { bytes: randomBytes(40), class: 'Condition' });
  await setPolicy(member, NOTHING_BY_DEFAULT);
  const { jobId } = await addBundle(member, BUNDLE_BYTES, 'job');
  const { groupId } = await member.ask<{ groupId: string }>({
    method: 'POST',
    path: `/v1/patients/${member.memberId}/care-groups`,
    body: { members: ['doctor-b'] },
  });
  const fresh = freshTargets(member, others);
  // There at the beginning, so that a list which is empty hides something.
  for (const make of [fresh.grantId, fresh.requestId, fresh.representationId, fresh.delegationId, fresh.emergencyId])
    await make();
  return { member, record, jobId, groupId, fresh };
}

function freshTargets(patient: Member, { third, doctorB, declarer, settled }: Others): FreshTargets {
  const about = (rest: string) => `/v1/patients/${patient.memberId}/${rest}`;
  const narrow = { scope: { classes: ['Basic'] } };
  const grantTo = (kind: string, actions: readonly string[]) =>
    give(patient, { grantee: { kind, id: 'doctor-b' }, actions, ...narrow });
  const made = new Map<string, Promise<string>>();
  const once = (name: string, make: () => Promise<Readonly<Record<string, string>>>) => () => {
    const found = made.get(name) ?? make().then((answer) => settledId(answer, name));
    made.set(name, found);
    return found;
  };
  const settledId = async (answer: Readonly<Record<string, string>>, name: string) => {
    await settled(answer.transactionId ?? '');
    return answer[name] ?? '';
  };
  return {
    renew: () => made.clear(),
    grantId: once('grantId', async () => ({ ...(await grantTo('person', ['read'])) })),
    requestId: once('requestId', () => {
      const asked = { patientId: patient.memberId, actions: ['read'], ...narrow, purpose: 'TREAT', until: inHours(1) };
      const body = { ...asked, reason: 'Asked for by somebody else.' };
      return doctorB.ask({ method: 'POST', path: '/v1/access-requests', body });
    }),
    representationId: once('representationId', () => {
      const body = { memberId: third.memberId, until: inHours(1) };
      return patient.ask({ method: 'POST', path: about('representatives'), body });
    }),
    delegationId: once('delegationId', async () => {
      const { grantId, transactionId } = await grantTo('delegate', ['read', 'share']);
      await settled(transactionId);
      const passed = grantBody({ grantee: { kind: 'person', id: third.memberId }, ...narrow, until: inHours(1) });
      return doctorB.ask({ method: 'POST', path: about('delegations'), body: { grantId, ...passed } });
    }),
    emergencyId: once('emergencyId', async () => jsonOf(await sendEmergency(declarer, patient.memberId))),
  };
}

async function relate(
  relation: Relation,
  related: Others & { readonly patient: RoutePatient; readonly asker: Member },
): Promise<void> {
  const { patient, asker } = related;
  const { member } = patient;
  const { memberId: to } = asker;
  const actions = ['read', 'add'];
  if (relation === 'granted') await giveGrant(member, { to, actions });
  if (relation === 'expired')
    await giveGrant(member, { to, actions, until: new Date(Date.now() + EXPIRES_IN_MS).toISOString() });
  if (relation === 'revoked') await revoke(member, (await giveGrant(member, { to, actions })).grantId);
  if (relation === 'represented') {
    const body = { memberId: to, until: inHours(1) };
    await member.ask({ method: 'POST', path: `/v1/patients/${member.memberId}/representatives`, body });
  }
  if (relation === 'delegated') await passOn(member, related, to);
}

async function passOn(patient: Member, { doctorB, settled }: Others, to: string): Promise<void> {
  const grantee = { kind: 'delegate', id: 'doctor-b' };
  const { grantId, transactionId } = await give(patient, { grantee, actions: ['read', 'add', 'share'] });
  await settled(transactionId);
  const until = inHours(1);
  const passed = {
    grantId,
    grantee: { kind: 'person', id: to },
    actions: ['read', 'add'],
    scope: {},
    purpose: 'TREAT',
  };
  const path = `/v1/patients/${patient.memberId}/delegations`;
  await doctorB.ask({ method: 'POST', path, body: { ...passed, until } });
}
