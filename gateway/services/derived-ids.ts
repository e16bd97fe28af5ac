import { createHash, randomBytes } from 'node:crypto';

/**
 * Sixteen bytes in hex that a repeated request finds again and nobody else can guess: a hash over a secret of this
 * gateway, who asks, and the Idempotency-Key. Without a key they are random.
 */
export function idFor(
  secret: Uint8Array,
  request: { kind: string; memberId: string; key: string | undefined },
): string {
  if (request.key === undefined) return randomBytes(16).toString('hex');
  const digest = createHash('sha256').update('medledger/derived-id/v1').update(secret);
  for (const part of [request.kind, request.memberId, request.key]) digest.update(`${part.length}:${part}`);
  return digest.digest('hex').slice(0, 32);
}
