import { routeOf } from './metrics.js';
import type { GatewayApp } from './gateway-app.js';

/**
 * One line per request, of a fixed list of fields. No URL, query, header or body: they name patients and purposes.
 * Fastify's own request lines, which hold the URL, are turned off in app.ts.
 */
export function addRequestLog(app: GatewayApp): void {
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        route: routeOf(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ...(request.caller !== undefined && { memberId: request.caller.memberId }),
        ...(request.problemCode !== undefined && { code: request.problemCode }),
      },
      'request',
    );
  });
}
