// Baseline, frozen: the loop that the source papers print, an object with a nonce turned to text and hashed until the
// hash starts with zeros. test/network/bench holds the digest of this file.
import { createHash } from 'node:crypto';

/** Makes this many attempts whatever it finds. */
export function tryNaively(header: object, attempts: number): { readonly best: string } {
  let best = 'f'.repeat(64);
  for (let nonce = 0; nonce < attempts; nonce += 1) {
    const hash = createHash('sha256')
      .update(JSON.stringify({ ...header, nonce }))
      .digest('hex');
    if (hash.startsWith('0000') && hash < best) best = hash;
  }
  return { best };
}
