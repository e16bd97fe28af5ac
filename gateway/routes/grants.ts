import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { parseGrant, parseGrantChanges } from '../schemas/consent-input.js';
import {
  alteredGrant,
  givenGrant,
  grantBody,
  grantChanges,
  grantPage,
  grantPath,
  listQuery,
  revokedGrant,
} from '../schemas/consents.js';
import { formatTime } from '../schemas/iso-time.js';
import { patientPath } from '../schemas/records.js';
import type { ListedGrant } from '../services/consent-services.js';
import { idempotencyKeyOf } from './idempotency-key.js';
import { pageReply, parsePage } from './page-reply.js';
import { copyGrantee, copyScope } from './shown-scope.js';

export function grantRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.post(
    '/v1/patients/:patientId/grants',
    {
      schema: {
        tags: ['consents'],
        summary: 'Give a grant; until is mandatory',
        params: patientPath,
        body: grantBody,
        response: { 201: givenGrant },
      },
    },
    async (request, reply) => {
      const { patientId } = request.params;
      const given = await services.giveGrant(callerOf(request), {
        patientId,
        grant: parseGrant(request.body),
        ...idempotencyKeyOf(request),
      });
      return reply.code(201).header('location', `/v1/grants/${given.grantId}`).send(given);
    },
  );

  app.get(
    '/v1/patients/:patientId/grants',
    {
      schema: {
        tags: ['consents'],
        summary: 'List the grants of a patient, ended and revoked ones too',
        params: patientPath,
        querystring: listQuery,
        response: { 200: grantPage },
      },
    },
    async (request, reply) => {
      const { patientId } = request.params;
      const page = await services.listGrants(callerOf(request), { patientId, ...parsePage(request.query) });
      return pageReply(request, reply, { page, show: showGrant });
    },
  );

  app.put(
    '/v1/grants/:grantId',
    {
      schema: {
        tags: ['consents'],
        summary: 'Alter a grant: its next version; what is not named stays as it was',
        params: grantPath,
        body: grantChanges,
        response: { 200: alteredGrant },
      },
    },
    async (request) =>
      services.alterGrant(callerOf(request), {
        grantId: request.params.grantId,
        changes: parseGrantChanges(request.body),
      }),
  );

  app.delete(
    '/v1/grants/:grantId',
    {
      schema: {
        tags: ['consents'],
        summary: 'Revoke a grant: nothing is opened by it from this transaction on',
        params: grantPath,
        response: { 200: revokedGrant },
      },
    },
    async (request) => services.revokeGrant(callerOf(request), { grantId: request.params.grantId }),
  );
}

function showGrant({ fromMs, untilMs, registerVersion: _asOf, ...grant }: ListedGrant) {
  return {
    ...grant,
    grantee: copyGrantee(grant.grantee),
    actions: [...grant.actions],
    scope: copyScope(grant.scope),
    from: formatTime(fromMs),
    until: formatTime(untilMs),
  };
}
