import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { formatTime, parseOptionalTime } from '../schemas/iso-time.js';
import {
  contentQuery,
  job,
  jobPath,
  listRecordsQuery,
  patientPath,
  recordPage,
  recordPath,
  recordVersions,
} from '../schemas/records.js';
import type { ListedRecord } from '../services/medledger.js';
import { contentHeaders } from './content-headers.js';
import { pageReply, parsePage } from './page-reply.js';

export function recordRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.get(
    '/v1/patients/:patientId/records',
    {
      schema: {
        tags: ['records'],
        summary: 'List the records that the caller may know of; from and to are about the date of the data',
        params: patientPath,
        querystring: listRecordsQuery,
        response: { 200: recordPage },
      },
    },
    async (request, reply) => {
      const { class: recordClass, from, to } = request.query;
      const fromMs = parseOptionalTime(from, { pointer: '/from', in: 'query' });
      const toMs = parseOptionalTime(to, { pointer: '/to', in: 'query' });
      const page = await services.listRecords(callerOf(request), {
        patientId: request.params.patientId,
        ...(recordClass !== undefined && { class: recordClass }),
        ...(fromMs !== undefined && { fromMs }),
        ...(toMs !== undefined && { toMs }),
        ...parsePage(request.query),
      });
      return pageReply(request, reply, { page, show: showRecord });
    },
  );

  app.get(
    '/v1/records/:recordId/content',
    {
      config: { fileAnswer: true },
      schema: {
        tags: ['records'],
        summary: 'Open a record: committed as a transaction first, permitted or refused',
        params: recordPath,
        querystring: contentQuery,
      },
    },
    async (request, reply) => {
      const { recordId } = request.params;
      const { purpose, emergencyId } = request.query;
      const opened = await services.openRecord(callerOf(request), {
        recordId,
        ...(purpose !== undefined && { purpose }),
        ...(emergencyId !== undefined && { emergencyId }),
      });
      return reply.headers(contentHeaders({ ...opened, recordId })).send(bufferOf(opened.content));
    },
  );

  app.get(
    '/v1/records/:recordId/versions',
    {
      schema: {
        tags: ['records'],
        summary: 'The versions of a record, oldest first, and disputes beside what they are about',
        params: recordPath,
        response: { 200: recordVersions },
      },
    },
    async (request) => {
      const versions = await services.recordVersions(callerOf(request), request.params);
      return { items: versions.map(showRecord) };
    },
  );

  app.get(
    '/v1/jobs/:jobId',
    {
      schema: {
        tags: ['records'],
        summary: 'How far a bundle has come',
        params: jobPath,
        response: { 200: job },
      },
    },
    async (request) => services.job(callerOf(request), request.params.jobId),
  );
}

function showRecord({ dateMs, addedAtMs, ...record }: ListedRecord) {
  return { ...record, date: formatTime(dateMs), addedAt: formatTime(addedAtMs) };
}

/** The same memory: Fastify sends any other Uint8Array as JSON. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
