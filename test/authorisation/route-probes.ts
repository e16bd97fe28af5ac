import { randomBytes, randomUUID } from 'node:crypto';
import type { Job } from '../../gateway/services/medledger.js';
import { inHours, jobUntil } from '../support/care.js';
import { grantBody, NOTHING_BY_DEFAULT } from '../support/consents.js';
import { type Call, jsonOf, problemOf, type Reply, send, signIn } from '../support/member.js';
import { BUNDLE_BYTES, type RouteCase } from './route-world.js';
import type { Verdict } from './rules.js';

type Probe = (asked: RouteCase) => Call | Promise<Call>;

const get =
  (pathOf: (asked: RouteCase) => string): Probe =>
  (asked) => ({ method: 'GET', path: pathOf(asked) });
const about = (rest: string) => (asked: RouteCase) => `/v1/patients/${asked.patient.member.memberId}/${rest}`;
const toThird = { kind: 'person', id: 'doctor-b' };
const narrow = { classes: ['Basic'] };

/** For each route a request that is in order in everything but, perhaps, who makes it. */
export const ROUTE_PROBES: Readonly<Record<string, Probe>> = {
  'GET /healthz': get(() => '/healthz'),
  'GET /readyz': get(() => '/readyz'),
  'POST /v1/patients': () => ({
    method: 'POST',
    path: '/v1/patients',
    body: { password: 'one of the matrix, and long' },
    // The same each time: signed up once, answered often.
    idempotencyKey: 'matrix',
  }),
  'POST /v1/sessions': ({ network, asker }) => {
    const { memberId, password } = asker ?? network.credential('doctor-a');
    return { method: 'POST', path: '/v1/sessions', body: { memberId, password }, idempotencyKey: `matrix/${memberId}` };
  },
  'DELETE /v1/sessions/current': () => ({ method: 'DELETE', path: '/v1/sessions/current' }),
  'GET /v1/members/me': get(() => '/v1/members/me'),

  'GET /v1/patients/{patientId}/records': get(about('records')),
  'POST /v1/patients/{patientId}/records': (asked) => ({
    method: 'POST',
    path: about('records?class=Basic')(asked),
    content: { bytes: randomBytes(20), type: 'application/octet-stream' },
  }),
  'POST /v1/patients/{patientId}/bundles': (asked) => ({
    method: 'POST',
    path: about('bundles')(asked),
    content: { bytes: BUNDLE_BYTES, type: 'application/fhir+json' },
    idempotencyKey: randomUUID(),
  }),
  'GET /v1/jobs/{jobId}': get(({ patient }) => `/v1/jobs/${patient.jobId}`),
  'GET /v1/records/{recordId}/content': get(
    ({ patient, asker }) =>
      `/v1/records/${patient.record.recordId}/content?purpose=${asker === patient.member ? 'PATRQT' : 'TREAT'}`,
  ),
  'GET /v1/records/{recordId}/versions': get(({ patient }) => `/v1/records/${patient.record.recordId}/versions`),
  'GET /v1/records/{recordId}/explanation': get(({ patient }) => `/v1/records/${patient.record.recordId}/explanation`),

  'GET /v1/patients/{patientId}/grants': get(about('grants')),
  'POST /v1/patients/{patientId}/grants': (asked) => ({
    method: 'POST',
    path: about('grants')(asked),
    body: grantBody({ grantee: toThird, scope: narrow }),
  }),
  'POST /v1/patients/{patientId}/grants/preview': (asked) => ({
    method: 'POST',
    path: about('grants/preview')(asked),
    body: { kind: 'grant', grant: grantBody({ grantee: toThird, scope: narrow }) },
  }),
  'PUT /v1/grants/{grantId}': async ({ patient }) => ({
    method: 'PUT',
    path: `/v1/grants/${await patient.fresh.grantId()}`,
    body: { until: inHours(2) },
  }),
  'DELETE /v1/grants/{grantId}': async ({ patient }) => ({
    method: 'DELETE',
    path: `/v1/grants/${await patient.fresh.grantId()}`,
  }),

  'POST /v1/access-requests': ({ patient }) => ({
    method: 'POST',
    path: '/v1/access-requests',
    body: {
      patientId: patient.member.memberId,
      actions: ['read'],
      scope: narrow,
      purpose: 'TREAT',
      until: inHours(2),
      reason: 'To be seen in the matrix.',
    },
  }),
  'GET /v1/access-requests': get(({ patient }) => `/v1/access-requests?patientId=${patient.member.memberId}`),
  'POST /v1/access-requests/{requestId}/approval': async ({ patient }) => ({
    method: 'POST',
    path: `/v1/access-requests/${await patient.fresh.requestId()}/approval`,
    body: { scope: narrow },
  }),
  'POST /v1/access-requests/{requestId}/refusal': async ({ patient }) => ({
    method: 'POST',
    path: `/v1/access-requests/${await patient.fresh.requestId()}/refusal`,
    body: {},
  }),

  'GET /v1/patients/{patientId}/policy': get(about('policy')),
  'PUT /v1/patients/{patientId}/policy': (asked) => ({
    method: 'PUT',
    path: about('policy')(asked),
    body: NOTHING_BY_DEFAULT,
  }),
  'GET /v1/patients/{patientId}/care-groups': get(about('care-groups')),
  'POST /v1/patients/{patientId}/care-groups': (asked) => ({
    method: 'POST',
    path: about('care-groups')(asked),
    body: { members: ['doctor-b'] },
  }),
  'PUT /v1/patients/{patientId}/care-groups/{groupId}': (asked) => ({
    method: 'PUT',
    path: about(`care-groups/${asked.patient.groupId}`)(asked),
    body: { members: ['doctor-b'] },
  }),
  'GET /v1/patients/{patientId}/representatives': get(about('representatives')),
  'POST /v1/patients/{patientId}/representatives': (asked) => ({
    method: 'POST',
    path: about('representatives')(asked),
    body: { memberId: 'doctor-b', until: inHours(1) },
  }),
  'DELETE /v1/patients/{patientId}/representatives/{representationId}': async (asked) => ({
    method: 'DELETE',
    path: about(`representatives/${await asked.patient.fresh.representationId()}`)(asked),
  }),
  'GET /v1/patients/{patientId}/delegations': get(about('delegations')),
  'POST /v1/patients/{patientId}/delegations': async (asked) => ({
    method: 'POST',
    path: about('delegations')(asked),
    body: { grantId: await asked.patient.fresh.grantId(), ...grantBody({ grantee: toThird }), until: inHours(1) },
  }),
  'DELETE /v1/patients/{patientId}/delegations/{delegationId}': async (asked) => ({
    method: 'DELETE',
    path: about(`delegations/${await asked.patient.fresh.delegationId()}`)(asked),
  }),
  'GET /v1/patients/{patientId}/notices': get(about('notices')),
  'POST /v1/patients/{patientId}/membership-notices': (asked) => ({
    method: 'POST',
    path: about('membership-notices')(asked),
  }),

  'GET /v1/patients/{patientId}/explanation': get((asked) => `${about('explanation')(asked)}?memberId=doctor-b`),
  'GET /v1/patients/{patientId}/access-log': get(about('access-log')),
  'GET /v1/patients/{patientId}/verification': get(about('verification')),
  'GET /v1/statistics/activity': get(() => '/v1/statistics/activity'),
  'GET /v1/explorer/blocks': get(() => '/v1/explorer/blocks?limit=1'),
  'GET /v1/explorer/blocks/{number}': get(() => '/v1/explorer/blocks/1'),
  'GET /v1/transactions/{transactionId}/receipt': get(
    ({ patient }) => `/v1/transactions/${patient.record.transactionId}/receipt`,
  ),
  'GET /v1/explorer/transactions/{transactionId}': get(
    ({ patient }) => `/v1/explorer/transactions/${patient.record.transactionId}`,
  ),

  'GET /v1/patients/{patientId}/emergencies': get(about('emergencies')),
  'GET /v1/emergencies/unreviewed': get(() => '/v1/emergencies/unreviewed'),
  'POST /v1/patients/{patientId}/emergencies/{emergencyId}/review': async (asked) => ({
    method: 'POST',
    path: about(`emergencies/${await asked.patient.fresh.emergencyId()}/review`)(asked),
    body: { finding: 'justified' },
  }),
  // Last, because from then on it stands behind what the declaring members see.
  'POST /v1/patients/{patientId}/emergencies': (asked) => ({
    method: 'POST',
    path: about('emergencies')(asked),
    body: { reason: 'unconscious', recordIds: [asked.patient.record.recordId] },
  }),
};

/** What became of it, in the words of the matrix. */
export async function probeRoute(asked: RouteCase, route: string): Promise<Verdict> {
  const probe = ROUTE_PROBES[route];
  if (probe === undefined) throw new Error(`no probe for ${route}`);
  const call = await probe(asked);
  const reply = await sendAs(asked, route, call);
  if (reply.status >= 300) return problemOf(reply).code;
  if (call.method !== 'GET') asked.patient.fresh.renew();
  if (route.endsWith('/bundles')) return outcomeOfJob(asked, jsonOf<{ jobId: string }>(reply).jobId);
  return isEmptyList(reply) ? 'nothing' : 'permit';
}

async function sendAs({ asker, patient }: RouteCase, route: string, call: Call): Promise<Reply> {
  if (asker === undefined) return send(patient.member.gatewayUrl, call);
  // Nobody is to lose the session of the other rows.
  const member = route === 'DELETE /v1/sessions/current' ? await signIn(asker) : asker;
  return member.send(call);
}

async function outcomeOfJob({ asker }: RouteCase, jobId: string): Promise<Verdict> {
  if (asker === undefined) throw new Error('a job of nobody');
  const job: Job = await jobUntil(asker, jobId);
  return job.status === 'done' ? 'permit' : (job.problem?.code ?? job.status);
}

function isEmptyList(reply: Reply): boolean {
  if (!(reply.headers.get('content-type') ?? '').startsWith('application/json')) return false;
  const { items } = jsonOf<{ items?: unknown[] }>(reply);
  return items !== undefined && items.length === 0;
}
