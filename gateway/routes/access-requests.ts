import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { parseAccessRequest, parseApproval } from '../schemas/consent-input.js';
import {
  accessRequestBody,
  accessRequestPage,
  approvalBody,
  givenGrant,
  requestsQuery,
  refusalBody,
  refusedRequest,
  requestedAccess,
  requestPath,
} from '../schemas/consents.js';
import { formatTime } from '../schemas/iso-time.js';
import type { ListedAccessRequest } from '../services/consent-services.js';
import { idempotencyKeyOf } from './idempotency-key.js';
import { pageReply, parsePage } from './page-reply.js';
import { copyGrantee, copyScope } from './shown-scope.js';

/** Staff asks, the patient answers; silence gives nothing. */
export function accessRequestRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.post(
    '/v1/access-requests',
    {
      schema: {
        tags: ['consents'],
        summary: 'Ask a patient for access',
        body: accessRequestBody,
        response: { 201: requestedAccess },
      },
    },
    async (request, reply) => {
      const asked = await services.requestAccess(callerOf(request), {
        ...parseAccessRequest(request.body),
        ...idempotencyKeyOf(request),
      });
      return reply.code(201).header('location', `/v1/access-requests/${asked.requestId}`).send(asked);
    },
  );

  app.get(
    '/v1/access-requests',
    {
      schema: {
        tags: ['consents'],
        summary: 'List requests: those made to the patient, or those made by the member of staff',
        querystring: requestsQuery,
        response: { 200: accessRequestPage },
      },
    },
    async (request, reply) => {
      const page = await services.listAccessRequests(callerOf(request), {
        ...(request.query.patientId !== undefined && { patientId: request.query.patientId }),
        ...parsePage(request.query),
      });
      return pageReply(request, reply, { page, show: showRequest });
    },
  );

  answerRoutes(app, { services });
}

function answerRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.post(
    '/v1/access-requests/:requestId/approval',
    {
      schema: {
        tags: ['consents'],
        summary: 'Approve a request, as it is or narrowed',
        params: requestPath,
        body: approvalBody,
        response: { 201: givenGrant },
      },
    },
    async (request, reply) => {
      const { requestId } = request.params;
      const given = await services.approveRequest(callerOf(request), {
        requestId,
        ...parseApproval(request.body),
        ...idempotencyKeyOf(request),
      });
      return reply.code(201).header('location', `/v1/grants/${given.grantId}`).send(given);
    },
  );

  app.post(
    '/v1/access-requests/:requestId/refusal',
    {
      schema: {
        tags: ['consents'],
        summary: 'Refuse a request',
        params: requestPath,
        body: refusalBody,
        response: { 200: refusedRequest },
      },
    },
    async (request) => services.refuseRequest(callerOf(request), { requestId: request.params.requestId }),
  );
}

function showRequest(asked: ListedAccessRequest) {
  const { requestId, patientId, requesterId, grantee, purpose, status, grantId, reason } = asked;
  return {
    requestId,
    patientId,
    requesterId,
    ...(grantee !== undefined && { grantee: copyGrantee(grantee) }),
    actions: [...asked.actions],
    scope: copyScope(asked.scope),
    purpose,
    until: formatTime(asked.untilMs),
    requestedAt: formatTime(asked.requestedAtMs),
    status,
    ...(grantId !== undefined && { grantId }),
    ...(reason !== undefined && { reason }),
  };
}
