import { emergencyOf, type StoredEmergency } from '@medledger/chaincode/domain';
import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { listQuery } from '../schemas/consents.js';
import {
  declaredEmergency,
  emergencyBody,
  emergencyPage,
  emergencyPath,
  reviewBody,
  reviewed,
  unreviewed,
} from '../schemas/emergencies.js';
import { formatTime } from '../schemas/iso-time.js';
import { patientPath } from '../schemas/records.js';
import type { DeclaredEmergency } from '../services/consent-services.js';
import { idempotencyKeyOf } from './idempotency-key.js';
import { pageReply, parsePage } from './page-reply.js';

/** Reading when the patient cannot be asked: under rules the patient wrote before, told at once, reviewed afterwards. */
export function emergencyRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.post(
    '/v1/patients/:patientId/emergencies',
    {
      config: { keepsNoAnswer: true },
      schema: {
        tags: ['emergencies'],
        summary: 'Declare an emergency and read in the same call: the records named, or the emergency card',
        params: patientPath,
        body: emergencyBody,
        response: { 201: declaredEmergency },
      },
    },
    async (request, reply) => {
      const { patientId } = request.params;
      const { reason, recordIds = [] } = request.body;
      const declared = await services.declareEmergency(callerOf(request), {
        patientId,
        reason,
        recordIds,
        ...idempotencyKeyOf(request),
      });
      reply.header('cache-control', 'no-store').header('location', `/v1/patients/${patientId}/emergencies`);
      return reply.code(201).send(showDeclared(declared));
    },
  );

  app.get(
    '/v1/patients/:patientId/emergencies',
    {
      schema: {
        tags: ['emergencies'],
        summary: 'Emergencies of a patient: for the patient, who declared them, and who may review them',
        params: patientPath,
        querystring: listQuery,
        response: { 200: emergencyPage },
      },
    },
    async (request, reply) => {
      const { patientId } = request.params;
      const page = await services.emergencies(callerOf(request), { patientId, ...parsePage(request.query) });
      return pageReply(request, reply, { page, show: showEmergency });
    },
  );

  reviewRoutes(app, { services });
}

function reviewRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.post(
    '/v1/patients/:patientId/emergencies/:emergencyId/review',
    {
      schema: {
        tags: ['emergencies'],
        summary: 'Say, as a second person, whether an emergency was justified; due within 72 hours',
        params: emergencyPath,
        body: reviewBody,
        response: { 201: reviewed },
      },
    },
    async (request, reply) => {
      const { comment, finding } = request.body;
      const review = { ...request.params, finding, ...(comment !== undefined && { comment }) };
      return reply.code(201).send(await services.reviewEmergency(callerOf(request), review));
    },
  );

  app.get(
    '/v1/emergencies/unreviewed',
    {
      schema: {
        tags: ['emergencies'],
        summary: 'How many emergencies of each agency nobody has reviewed; for a reviewer also which',
        response: { 200: unreviewed },
      },
    },
    async (request) => {
      const { counts, emergencies } = await services.unreviewed(callerOf(request), {});
      return { counts: [...counts], emergencies: emergencies.map(showEmergency) };
    },
  );
}

function showDeclared({ untilMs, reviewDueMs, records, ...declared }: DeclaredEmergency) {
  return {
    ...declared,
    until: formatTime(untilMs),
    reviewDue: formatTime(reviewDueMs),
    records: records.map((record) => {
      if (record.outcome === 'deny') return record;
      const { content, transactionId: _transaction, ...read } = record;
      return { ...read, contentBase64: Buffer.from(content).toString('base64') };
    }),
  };
}

function showEmergency({ declaration, agencyId, review, ...stored }: StoredEmergency) {
  const { patientId, emergencyId, actorId, reason, untilMs } = emergencyOf(declaration);
  return {
    emergencyId,
    patientId,
    actorId,
    ...(agencyId !== undefined && { agencyId }),
    reason,
    declaredAt: formatTime(stored.declaredAtMs),
    until: formatTime(untilMs),
    reviewDue: formatTime(stored.reviewDueMs),
    ...(review !== undefined && {
      review: { reviewerId: review.reviewerId, finding: review.finding, at: formatTime(review.atMs) },
    }),
    transactionId: stored.txId,
  };
}
