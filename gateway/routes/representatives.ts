import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { formatTime, parseOptionalTime, parseTime } from '../schemas/iso-time.js';
import { patientPath } from '../schemas/records.js';
import { appointBody, appointed, ended, representationPath, representatives } from '../schemas/trusted-people.js';
import { idempotencyKeyOf } from './idempotency-key.js';

/** Parents and carers: they use the patient's own routes, and every entry names both. */
export function representativeRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.get(
    '/v1/patients/:patientId/representatives',
    {
      schema: {
        tags: ['consents'],
        summary: 'Who acts for the patient, from when until when',
        params: patientPath,
        response: { 200: representatives },
      },
    },
    async (request) => {
      const found = await services.representatives(callerOf(request), request.params);
      return {
        items: found.map(({ representationId, representative, fromMs, untilMs, version, revoked }) => ({
          representationId,
          memberId: representative,
          from: formatTime(fromMs),
          until: formatTime(untilMs),
          version,
          revoked,
        })),
      };
    },
  );

  app.post(
    '/v1/patients/:patientId/representatives',
    {
      schema: {
        tags: ['consents'],
        summary: 'Appoint a representative; only the patient can',
        params: patientPath,
        body: appointBody,
        response: { 201: appointed },
      },
    },
    async (request, reply) => {
      const { patientId } = request.params;
      const { memberId, from, until } = request.body;
      const fromMs = parseOptionalTime(from, { pointer: '/from', in: 'body' });
      const made = await services.appoint(callerOf(request), {
        patientId,
        memberId,
        untilMs: parseTime(until, { pointer: '/until', in: 'body' }),
        ...(fromMs !== undefined && { fromMs }),
        ...idempotencyKeyOf(request),
      });
      return reply.code(201).header('location', `/v1/patients/${patientId}/representatives`).send(made);
    },
  );

  app.delete(
    '/v1/patients/:patientId/representatives/:representationId',
    {
      schema: {
        tags: ['consents'],
        summary: 'End a representation; what was given under it stays until it ends or is revoked',
        params: representationPath,
        response: { 200: ended },
      },
    },
    async (request) => services.endRepresentation(callerOf(request), request.params),
  );
}
