import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { GatewayConfig } from '../config.js';
import type { Ledger, LedgerIdentity } from '../ledger/ledger.js';
import { type Projection, startProjection } from '../projections/projection.js';

/** Read models from the blocks of the own peer; none where the organisation has no peer. */
export function openChainViews(options: {
  config: GatewayConfig;
  ledger: Ledger;
  identity: LedgerIdentity;
  logger: FastifyBaseLogger;
}): Projection | undefined {
  const { config, ledger, identity, logger } = options;
  if (config.organisation.peer === undefined) return undefined;
  return startProjection({
    path: join(config.storeDir, 'projections.sqlite'),
    logger,
    source: {
      blocksFrom: (startBlock, signal) =>
        ledger.blocks({
          identity,
          startBlock,
          signal,
          onInterrupted: (reason) => logger.warn({ reason }, 'the stream of blocks was interrupted'),
        }),
    },
  });
}
