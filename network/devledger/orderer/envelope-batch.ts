import type { PendingEnvelope } from './pending-log.js';

/** The longest beginning within both bounds, but at least one. */
export function takeUpTo<Item extends PendingEnvelope>(
  items: readonly Item[],
  bounds: { readonly count: number; readonly bytes: number },
): Item[] {
  let bytes = 0;
  const end = items.findIndex(({ envelope }, index) => {
    bytes += envelope.length;
    return index >= bounds.count || (index > 0 && bytes > bounds.bytes);
  });
  return items.slice(0, end === -1 ? items.length : end);
}

/** In bytes. */
export function sizeOf(envelopes: readonly PendingEnvelope[]): number {
  return envelopes.reduce((total, { envelope }) => total + envelope.length, 0);
}
