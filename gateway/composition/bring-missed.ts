import type { FastifyBaseLogger } from 'fastify';
import type { CustodianDoor } from '../services/custodians.js';
import type { MissedDeposits } from '../services/missed-deposits.js';

const EVERY_MS = 5_000;

/**
 * Brings custodians the shares they missed, until none is left.
 *
 * @returns stops it
 */
export function bringMissedDeposits(
  missed: MissedDeposits,
  doors: readonly CustodianDoor[],
  logger: FastifyBaseLogger,
): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  const bring = async (): Promise<void> => {
    if (missed.count() === 0) return;
    const { brought, left, refused } = await missed.bring(doors);
    if (brought > 0) logger.info({ brought, left }, 'custodians took shares they had missed');
    for (const one of refused)
      logger.error(one, 'a custodian keeps another share: these records rest on two; compare the share stores');
  };
  const timer = setInterval(() => {
    running = running.then(bring).catch((error: unknown) => logger.error({ err: error }, 'missed shares'));
  }, EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    return running;
  };
}
