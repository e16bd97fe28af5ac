import rateLimit from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MedledgerError } from '../medledger-error.js';
import type { GatewayApp, HttpLimits } from './gateway-app.js';

/** Counts one request, or throws TOO_MANY_REQUESTS. */
export type CountRequest = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

export interface RateLimits {
  readonly perMember: CountRequest;
  readonly signUps: CountRequest;
  readonly signIns: CountRequest;
}

const MINUTE_MS = 60_000;
/** Addresses and members remembered; the least recently seen is forgotten first. */
const KEYS_MAX = 10_000;

/**
 * Counts by address before anything else is done, and hands out the stricter counters for the routes that need them.
 * The library's own route hooks run after those of the scope, that is after authentication: too late for a flood.
 */
export async function addRateLimits(app: GatewayApp, limits: HttpLimits): Promise<RateLimits> {
  await app.register(rateLimit, { global: false, cache: KEYS_MAX });
  const perAddress = counter(app, { name: 'address', max: limits.requestsPerMinutePerAddress });
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.alwaysAnswered !== true) await perAddress(request, reply);
  });
  return {
    perMember: counter(app, { name: 'member', max: limits.requestsPerMinutePerMember }),
    signUps: counter(app, { name: 'sign-up', max: limits.signUpsPerMinutePerAddress }),
    signIns: counter(app, { name: 'sign-in', max: limits.signInsPerMinutePerAddress }),
  };
}

function counter(app: GatewayApp, options: { name: string; max: number }): CountRequest {
  const count = app.createRateLimit({
    max: options.max,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => `${options.name} ${request.caller?.memberId ?? request.ip}`,
  });
  return async (request, reply) => {
    const counted = await count(request);
    if (counted.isAllowed) return;
    reply.header('ratelimit-limit', counted.max);
    reply.header('ratelimit-remaining', counted.remaining);
    reply.header('ratelimit-reset', counted.ttlInSeconds);
    if (counted.isExceeded)
      throw new MedledgerError('TOO_MANY_REQUESTS', undefined, { retryAfterS: counted.ttlInSeconds });
  };
}
