import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { GatewayConfig } from '../config.js';
import type { Ledger, LedgerIdentity } from '../ledger/ledger.js';
import { type Projection, startProjection } from '../projections/projection.js';
import type { ChainViews } from '../services/chain-views.js';

const CAUGHT_UP_MS = 1_000;

/** Read models from the blocks of the own peer; none where the organisation has no peer. */
export function openChainViews(options: {
  config: GatewayConfig;
  ledger: Ledger;
  identity: LedgerIdentity;
  logger: FastifyBaseLogger;
}): (ChainViews & Pick<Projection, 'stop'>) | undefined {
  const { config, ledger, identity, logger } = options;
  if (config.organisation.peer === undefined) return undefined;
  const projection = startProjection({
    path: join(config.storeDir, 'projections.sqlite'),
    logger,
    source: {
      height: () => ledger.height(identity),
      blocksFrom: (startBlock, signal) =>
        ledger.blocks({
          identity,
          startBlock,
          signal,
          onInterrupted: (reason) => logger.warn({ reason }, 'the stream of blocks was interrupted'),
        }),
    },
  });
  const reached = async (): Promise<void> => {
    const height = await ledger.height(identity);
    await projection.awaitBlock(height - 1, CAUGHT_UP_MS);
  };
  const lag = (error: unknown): void => logger.warn({ err: error }, 'read models lag behind the peer');
  return {
    ...projection,
    // A ledger that is away is waited for elsewhere: what was read before can still be shown.
    caughtUp: () => Promise.race([reached().catch(lag), sleep(CAUGHT_UP_MS, undefined, { ref: false })]),
  };
}
