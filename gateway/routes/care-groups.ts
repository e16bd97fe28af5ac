import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { patientPath } from '../schemas/records.js';
import { careGroupBody, careGroupPath, careGroups, storedCareGroup } from '../schemas/trusted-people.js';
import { idempotencyKeyOf } from './idempotency-key.js';

/** Family, and those who care together: the patient alone says who belongs. */
export function careGroupRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.get(
    '/v1/patients/:patientId/care-groups',
    {
      schema: {
        tags: ['consents'],
        summary: 'The care groups of a patient and who belongs to them',
        params: patientPath,
        response: { 200: careGroups },
      },
    },
    async (request) => {
      const groups = await services.careGroups(callerOf(request), request.params);
      return { items: groups.map(({ members, ...group }) => ({ ...group, members: [...members] })) };
    },
  );

  app.post(
    '/v1/patients/:patientId/care-groups',
    {
      schema: {
        tags: ['consents'],
        summary: 'Make a care group; a grant to it reaches whoever belongs to it at the time',
        params: patientPath,
        body: careGroupBody,
        response: { 201: storedCareGroup },
      },
    },
    async (request, reply) => {
      const { patientId } = request.params;
      const { members } = request.body;
      const made = await services.makeCareGroup(callerOf(request), {
        patientId,
        members,
        ...idempotencyKeyOf(request),
      });
      return reply.code(201).header('location', `/v1/patients/${patientId}/care-groups`).send(made);
    },
  );

  app.put(
    '/v1/patients/:patientId/care-groups/:groupId',
    {
      schema: {
        tags: ['consents'],
        summary: 'Say who belongs to a care group from now on; an empty list ends it',
        params: careGroupPath,
        body: careGroupBody,
        response: { 200: storedCareGroup },
      },
    },
    async (request) => services.setCareGroup(callerOf(request), { ...request.params, members: request.body.members }),
  );
}
