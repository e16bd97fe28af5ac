import type { PeerLedger } from '../peer-ledger.js';

/**
 * Waits until a peer has as many blocks as another one, for a while.
 *
 * @returns whether it has
 */
export function untilHeight(
  ledger: Pick<PeerLedger, 'height' | 'onCommit'>,
  height: number,
  waitMs: number,
): Promise<boolean> {
  if (ledger.height() >= height) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (isReached: boolean) => {
      clearTimeout(timer);
      unsubscribe();
      resolve(isReached);
    };
    const unsubscribe = ledger.onCommit(() => {
      if (ledger.height() >= height) settle(true);
    });
    const timer = setTimeout(() => settle(false), waitMs);
  });
}
