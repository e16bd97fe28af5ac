import type { Delegation } from '@medledger/chaincode/domain';
import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { formatTime } from '../schemas/iso-time.js';
import { patientPath } from '../schemas/records.js';
import {
  delegationBody,
  delegationPath,
  delegations,
  ended,
  parseDelegation,
  passedOn,
} from '../schemas/trusted-people.js';
import { idempotencyKeyOf } from './idempotency-key.js';
import { copyGrantee, copyScope } from './shown-scope.js';

/** What a delegate passes on of a grant that lets it: once, never wider, and gone with its parent. */
export function delegationRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.get(
    '/v1/patients/:patientId/delegations',
    {
      schema: {
        tags: ['consents'],
        summary: 'What was passed on: all of it for the patient, for others what concerns them',
        params: patientPath,
        response: { 200: delegations },
      },
    },
    async (request) => {
      const found = await services.delegations(callerOf(request), request.params);
      return { items: found.map(showDelegation) };
    },
  );

  app.post(
    '/v1/patients/:patientId/delegations',
    {
      schema: {
        tags: ['consents'],
        summary: 'Pass on what a grant with the action share lets the caller pass on',
        params: patientPath,
        body: delegationBody,
        response: { 201: passedOn },
      },
    },
    async (request, reply) => {
      const { patientId } = request.params;
      const given = await services.passOn(callerOf(request), {
        patientId,
        delegation: parseDelegation(request.body),
        ...idempotencyKeyOf(request),
      });
      return reply.code(201).header('location', `/v1/patients/${patientId}/delegations`).send(given);
    },
  );

  app.delete(
    '/v1/patients/:patientId/delegations/:delegationId',
    {
      schema: {
        tags: ['consents'],
        summary: 'Take back what was passed on: by the delegate, the patient or a representative',
        params: delegationPath,
        response: { 200: ended },
      },
    },
    async (request) => services.endDelegation(callerOf(request), request.params),
  );
}

function showDelegation({ delegationId, delegateId, parentId, version, revoked, ...given }: Delegation) {
  return {
    delegationId,
    grantId: parentId,
    delegateId,
    grantee: copyGrantee(given.grantee),
    actions: [...given.actions],
    scope: copyScope(given.scope),
    purpose: given.purpose,
    from: formatTime(given.fromMs),
    until: formatTime(given.untilMs),
    version,
    revoked,
  };
}
