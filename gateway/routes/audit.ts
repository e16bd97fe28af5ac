import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { accessLogPage, accessLogQuery, activity, activityQuery, verification } from '../schemas/audit.js';
import { formatTime, parseTime } from '../schemas/iso-time.js';
import { patientPath } from '../schemas/records.js';
import { MedledgerError } from '../medledger-error.js';
import type { LogItem } from '../services/medledger.js';
import { pageReply, parsePage } from './page-reply.js';

const DAY_MS = 24 * 3600 * 1000;
const ACTIVITY_DEFAULT_MS = 30 * DAY_MS;
/** Five years of days and classes in one answer are some 100,000 rows; more is a task for an export. */
const ACTIVITY_MAX_MS = 5 * 366 * DAY_MS;

export function auditRoutes(
  app: GatewayApp,
  { services, nowMs }: Pick<RouteContext, 'services'> & { nowMs: () => number },
): void {
  app.get(
    '/v1/patients/:patientId/access-log',
    {
      schema: {
        tags: ['audit'],
        summary: 'Every add, opening, refusal, request and grant change, newest first',
        params: patientPath,
        querystring: accessLogQuery,
        response: { 200: accessLogPage },
      },
    },
    async (request, reply) => {
      const { patientId } = request.params;
      const page = await services.accessLog(callerOf(request), { patientId, ...parsePage(request.query) });
      return pageReply(request, reply, { page, show: showItem });
    },
  );

  app.get(
    '/v1/patients/:patientId/verification',
    {
      schema: {
        tags: ['audit'],
        summary: 'Walk every lane of the patient from its first entry',
        params: patientPath,
        response: { 200: verification },
      },
    },
    async (request) => services.verifyPatient(callerOf(request), request.params),
  );

  app.get(
    '/v1/statistics/activity',
    {
      schema: {
        tags: ['audit'],
        summary: 'Records, openings, refusals and grants per day and class; without from and to, of the last 30 days',
        querystring: activityQuery,
        response: { 200: activity },
      },
    },
    async (request) => {
      const { rows } = await services.activity(callerOf(request), parseSpan(request.query, nowMs()));
      return { rows: rows.map((row) => ({ ...row })) };
    },
  );
}

function parseSpan(query: { from?: string; to?: string }, nowMs: number): { fromMs: number; toMs: number } {
  const toMs = query.to === undefined ? nowMs : parseTime(query.to, { pointer: '/to', in: 'query' });
  const fromMs =
    query.from === undefined ? toMs - ACTIVITY_DEFAULT_MS : parseTime(query.from, { pointer: '/from', in: 'query' });
  if (fromMs < toMs && toMs - fromMs <= ACTIVITY_MAX_MS) return { fromMs, toMs };
  throw new MedledgerError('INPUT_INVALID', '/from must be before to, and at most five years before', {
    extra: { pointer: '/from', in: 'query' },
  });
}

function showItem({ timeMs, recordIds, ...item }: LogItem) {
  return { ...item, time: formatTime(timeMs), recordIds: [...recordIds] };
}
