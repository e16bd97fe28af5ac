import { createHash, randomBytes } from 'node:crypto';

/**
 * Sixteen bytes in hex that a repeated request finds again and nobody else can guess: a hash over a secret of this
 * gateway, who asks, the Idempotency-Key and what is said. Without a key they are random. What is said is part of it
 * because one key can come on two routes, and again after answers are forgotten: such a request must never find what
 * another one has stored.
 */
export function idFor(
  secret: Uint8Array,
  request: { kind: string; memberId: string; key: string | undefined; said: string },
): string {
  if (request.key === undefined) return randomBytes(16).toString('hex');
  const digest = createHash('sha256').update('medledger/derived-id/v2').update(secret);
  for (const part of [request.kind, request.memberId, request.key, request.said])
    digest.update(`${part.length}:${part}`);
  return digest.digest('hex').slice(0, 32);
}
