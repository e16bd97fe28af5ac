import underPressure from '@fastify/under-pressure';
import { MedledgerError } from '../medledger-error.js';
import type { GatewayApp, HttpLimits } from './gateway-app.js';

const RETRY_AFTER_S = 10;

/** Sends requests away while the event loop is late, so that those already taken come to an end. */
export async function addPressureLimit(app: GatewayApp, limits: HttpLimits): Promise<void> {
  await app.register(underPressure, {
    maxEventLoopDelay: limits.eventLoopDelayMsMax,
    pressureHandler: async (request) => {
      if (request.routeOptions.config.alwaysAnswered === true) return;
      throw new MedledgerError('OVERLOADED', undefined, { retryAfterS: RETRY_AFTER_S });
    },
  });
}
