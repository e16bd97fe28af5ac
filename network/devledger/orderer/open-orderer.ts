import { join } from 'node:path';
import { DISK } from '../store/file-system.js';
import { OrderedChain } from './block-chain.js';
import type { Orderer, OrdererOptions } from './orderer.js';
import { PendingLog } from './pending-log.js';
import { SoloOrderer } from './solo-orderer.js';

export type { BatchRules, Orderer, OrdererOptions } from './orderer.js';

/**
 * Orders envelopes into blocks. One log takes them in, in groups that share one fsync; blocks are cut from what the log
 * holds by count, size or time.
 */
export async function openOrderer(options: OrdererOptions): Promise<Orderer> {
  const { directory, files = DISK, fileSizeMaxBytes, genesis, onIncident = () => undefined, peers = [] } = options;
  const { sealing } = options;
  const folders = { blocks: join(directory, 'blocks'), heights: join(directory, 'heights') };
  const chain = await OrderedChain.open({ ...folders, genesis, files, fileSizeMaxBytes, peers, onIncident, sealing });
  try {
    const opened = await PendingLog.open(
      { directory: join(directory, 'pending'), files, onIncident, segmentMaxBytes: fileSizeMaxBytes },
      chain.orderedSequence,
    );
    return new SoloOrderer(options, { chain, log: opened.log, pending: opened.pending });
  } catch (error) {
    await chain.close();
    throw error;
  }
}
