import type { Logger } from 'pino';
import type { PeerLedger } from '../peer-ledger.js';

/** How often peers ask each other for private data they miss; Fabric's reconcileSleepInterval is a minute. */
const RECONCILE_EVERY_MS = 10_000;

export interface Reconciliation {
  /** Makes peers known to each other after one was stopped or started. */
  connect(): void;
  stop(): void;
}

/**
 * Lets the peers of a process ask each other for private data: at commit for what they were not given, and from time
 * to time for what nobody had then.
 *
 * @param ledgers - of the peers that run at the moment
 */
export function reconcilePrivateData(ledgers: () => readonly PeerLedger[], log: Logger): Reconciliation {
  const connect = () => {
    const keepers = ledgers().flatMap(({ privateData }) => privateData ?? []);
    for (const keeper of keepers) keeper.connect(keepers.filter((other) => other.mspId !== keeper.mspId));
    return keepers;
  };
  connect();
  const ask = () => {
    const keepers = connect();
    for (const keeper of keepers) {
      keeper.reconcile().then(
        (found) => {
          if (found > 0) log.info({ peer: keeper.mspId, found }, 'private data found that was missing');
        },
        (error: unknown) => log.warn({ peer: keeper.mspId, error: String(error) }, 'private data cannot be asked for'),
      );
    }
  };
  const timer = setInterval(ask, RECONCILE_EVERY_MS);
  timer.unref();
  return { connect, stop: () => clearInterval(timer) };
}
