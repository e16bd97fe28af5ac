import { callerOf, type GatewayApp } from './gateway-app.js';
import { MedledgerError } from '../medledger-error.js';

const RETRY_AFTER_S = 2;
/** One member, who may send slowly on purpose, never keeps all others out. */
const SHARE_OF_ONE_MEMBER = 0.5;

/**
 * Bounds what bodies may take of the memory at once. A body is held whole, sealed beside itself and copied to other
 * vaults: some seven times its size, so that a few dozen of the largest would end the process. What counts is bytes,
 * not requests: small bodies are not sent away. One body alone is always taken. Behind authentication.
 */
export function createBodyBudget(bytesMax: number): (scope: GatewayApp, bodyBytesMax: number) => void {
  const held = new Map<string, number>();
  let heldBytes = 0;
  const isTooMuch = (heldNow: number, sizeBytes: number, max: number) => heldNow > 0 && heldNow + sizeBytes > max;
  return (scope, bodyBytesMax) => {
    scope.addHook('onRequest', async (request, reply) => {
      const { memberId } = callerOf(request);
      const sizeBytes = declaredBytes(request.headers['content-length'], bodyBytesMax);
      const ownBytes = held.get(memberId) ?? 0;
      if (isTooMuch(heldBytes, sizeBytes, bytesMax) || isTooMuch(ownBytes, sizeBytes, bytesMax * SHARE_OF_ONE_MEMBER))
        throw new MedledgerError('OVERLOADED', undefined, { retryAfterS: RETRY_AFTER_S });
      heldBytes += sizeBytes;
      held.set(memberId, ownBytes + sizeBytes);
      reply.raw.once('close', () => {
        heldBytes -= sizeBytes;
        const left = (held.get(memberId) ?? 0) - sizeBytes;
        if (left > 0) held.set(memberId, left);
        else held.delete(memberId);
      });
    });
  };
}

/** A body that does not say its size may become as large as the route takes. */
function declaredBytes(contentLength: string | undefined, bodyBytesMax: number): number {
  const declared = Number(contentLength ?? bodyBytesMax);
  return Number.isSafeInteger(declared) ? Math.min(declared, bodyBytesMax) : bodyBytesMax;
}
