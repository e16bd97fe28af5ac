import { MedledgerError } from '../medledger-error.js';

export interface HeightWaiters {
  /** Resolves once `reached` was called with this block or a later one; rejects with LEDGER_UNAVAILABLE at the deadline. */
  wait(blockNumber: number, deadlineMs: number): Promise<void>;
  reached(blockNumber: number): void;
  /** Ends all waiting, because nothing will be reached any more. */
  close(): void;
}

interface Waiter {
  readonly blockNumber: number;
  readonly settle: (error?: MedledgerError) => void;
}

export function heightWaiters(): HeightWaiters {
  const waiting = new Set<Waiter>();
  const settleWhere = (concerned: (waiter: Waiter) => boolean, error?: MedledgerError) => {
    for (const waiter of [...waiting].filter(concerned)) waiter.settle(error);
  };
  return {
    wait: (blockNumber, deadlineMs) =>
      new Promise<void>((resolve, reject) => {
        const settle = (error?: MedledgerError) => {
          clearTimeout(timer);
          waiting.delete(waiter);
          if (error === undefined) resolve();
          else reject(error);
        };
        const waiter: Waiter = { blockNumber, settle };
        const timer = setTimeout(() => settle(notSeen(blockNumber)), deadlineMs);
        waiting.add(waiter);
      }),
    reached: (blockNumber) => settleWhere((waiter) => waiter.blockNumber <= blockNumber),
    close: () => settleWhere(() => true, new MedledgerError('LEDGER_UNAVAILABLE', 'The gateway is stopping.')),
  };
}

function notSeen(blockNumber: number): MedledgerError {
  return new MedledgerError(
    'LEDGER_UNAVAILABLE',
    `This gateway has not read block ${blockNumber} of the chain yet. What was submitted stands; read again in a moment.`,
    { retryAfterS: 1 },
  );
}
