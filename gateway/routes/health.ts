import { Type } from '@fastify/type-provider-typebox';
import type { GatewayApp, RouteContext } from '../plugins/gateway-app.js';
import { strictObject } from '../schemas/vocabulary.js';

const config = { open: true, alwaysAnswered: true };
const alive = strictObject({ status: Type.Literal('ok') });
const readiness = strictObject({
  ready: Type.Boolean(),
  missing: Type.Array(Type.String(), { description: 'what is missing, by name' }),
});

/** For whoever starts and watches the process: alive means leave it be, ready means send it requests. */
export function healthRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.get('/healthz', { config, schema: { tags: ['operation'], response: { 200: alive } } }, async () => ({
    status: 'ok' as const,
  }));

  app.get(
    '/readyz',
    { config, schema: { tags: ['operation'], response: { 200: readiness, 503: readiness } } },
    async (_request, reply) => {
      const missing = [...(await services.notReady())];
      if (missing.length === 0) return { ready: true, missing };
      return reply.code(503).header('retry-after', '5').send({ ready: false, missing });
    },
  );
}
