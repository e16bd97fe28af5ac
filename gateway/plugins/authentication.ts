import { MedledgerError } from '../medledger-error.js';
import type { Services } from '../services/medledger.js';
import type { GatewayApp } from './gateway-app.js';
import type { RateLimits } from './rate-limits.js';

/** RFC 6750 section 2.1; a signed token of ours has some 300 characters. */
const BEARER = /^Bearer ([A-Za-z0-9._~+/-]{1,4096}=*)$/i;

/** Every route of this scope needs an access token; `request.caller` is who it belongs to. */
export function requireAccessToken(scope: GatewayApp, services: Services, rateLimits: RateLimits): void {
  scope.addHook('onRequest', async (request, reply) => {
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) throw new MedledgerError('NOT_SIGNED_IN');
    request.caller = await services.authenticate(token);
    await rateLimits.perMember(request, reply);
  });
}
