import type { FastifyRequest } from 'fastify';

/** For use cases that derive ids from it, so that a request repeated after a crash adds nothing twice. */
export function idempotencyKeyOf(request: FastifyRequest): { idempotencyKey?: string } {
  const key = request.headers['idempotency-key'];
  return typeof key === 'string' ? { idempotencyKey: key } : {};
}
