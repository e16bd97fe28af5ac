import type { Network } from '@hyperledger/fabric-gateway';
import { type Backoff, backOff } from './backoff.js';
import { readBlock } from './block-reader.js';
import type { CertificateReader } from './certificate-reader.js';
import type { LedgerIdentity } from './ledger.js';
import type { LedgerBlock } from './ledger-block.js';
import { isBlocksForbidden } from './ledger-errors.js';
import { LedgerFailure } from './ledger-failure.js';

export interface BlockStreamOptions {
  readonly network: Network;
  readonly identity: LedgerIdentity;
  readonly startBlock: number;
  readonly signal: AbortSignal;
  readonly backoff: Backoff;
  readonly certificates: CertificateReader;
  readonly onInterrupted?: (reason: string) => void;
}

/** Blocks in order, without gap or repetition, through every reconnection. See `Ledger.blocks`. */
export async function* readBlocks(options: BlockStreamOptions): AsyncGenerator<LedgerBlock, void, void> {
  const { signal, backoff } = options;
  let nextBlock = options.startBlock;
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const from = nextBlock;
    for await (const block of untilInterrupted(options, from)) {
      yield block;
      nextBlock = block.number + 1;
    }
    if (nextBlock > from) attempt = 0;
    await backOff(attempt, backoff, signal);
  }
}

/** One stream, until it breaks for a reason that passes. */
async function* untilInterrupted(options: BlockStreamOptions, from: number): AsyncGenerator<LedgerBlock, void, void> {
  const { identity, signal, onInterrupted } = options;
  try {
    yield* oneStream(options, from);
  } catch (error) {
    if (signal.aborted) return;
    if (isBlocksForbidden(error))
      throw new LedgerFailure('NO_PEER', `${identity.mspId} is given no blocks`, { cause: error });
    onInterrupted?.(error instanceof Error ? error.message : String(error));
  }
}

async function* oneStream(
  { network, signal, certificates }: BlockStreamOptions,
  startBlock: number,
): AsyncGenerator<LedgerBlock, void, void> {
  const blocks = await network.getBlockEvents({ startBlock: BigInt(startBlock) });
  const close = () => blocks.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    if (signal.aborted) return;
    let due = startBlock;
    for await (const received of blocks) {
      const block = readBlock(received, certificates);
      // Fabric delivers in order; anything else comes from a peer that was set back, and is asked for again.
      if (block.number !== due) throw new Error(`block ${block.number} came where ${due} was due`);
      yield block;
      due += 1;
    }
  } finally {
    signal.removeEventListener('abort', close);
    blocks.close();
  }
}
