import helmet from '@fastify/helmet';
import type { GatewayApp } from './gateway-app.js';

/** Our own scripts and styles only, in nobody's frame; what the API answers is kept by no cache. */
export async function addSecurityHeaders(app: GatewayApp): Promise<void> {
  await app.register(helmet, {
    global: true,
    referrerPolicy: { policy: 'no-referrer' },
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
  });
  app.addHook('onSend', async (request, reply) => {
    if (request.url.startsWith('/v1/') && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
}
