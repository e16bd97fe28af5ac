import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { ActivityRow, LogItem, PageOf } from '../services/medledger.js';
import { accessLogReader } from './access-log.js';
import { activityReader } from './activity.js';
import { type BlockWriter, blockWriter } from './block-writer.js';
import { type Explorer, explorerReader } from './explorer.js';
import { heightWaiters } from './height-waiters.js';
import type { BlockSource, ProjectedBlock } from './projected-block.js';
import { forgetBlocks, openProjectionDatabase } from './projection-database.js';
import { type SaidEntry, saidReader } from './said-entries.js';

/** Read models of the chain, as far as the own peer has shown it. */
export interface Projection extends Explorer {
  accessLog(input: { patientId: string; limit: number; cursor?: string }): PageOf<LogItem>;
  activity(span: { fromMs: number; toMs: number }): readonly ActivityRow[];
  /** What was said about a patient before a place in the chain, newest first. */
  saidBefore(patientId: string, place: { blockNumber: number; index: number }): readonly SaidEntry[];
  /** Blocks read so far. */
  height(): number;
  /** Waits until this block is read, so that a member sees what the same member has just written. */
  awaitBlock(blockNumber: number, deadlineMs?: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ProjectionOptions {
  /** A file, or `:memory:`. */
  readonly path: string;
  readonly source: BlockSource;
  readonly logger: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>;
  /** First and longest wait after a failure. */
  readonly backoff?: { readonly firstMs: number; readonly lastMs: number };
}

const AWAIT_DEADLINE_MS = 10_000;
const BACKOFF = { firstMs: 200, lastMs: 30_000 };

/** The stored blocks are not those of the chain: it was set back, or made anew. */
class OtherChain extends Error {}

/** Follows the chain until stopped. A failure is logged and tried again; what is stored stays readable meanwhile. */
export function startProjection(options: ProjectionOptions): Projection {
  const database = openProjectionDatabase(options.path);
  const writer = blockWriter(database);
  const waiters = heightWaiters();
  const stopping = new AbortController();
  const height = () => heightOf(writer);
  const followed = followForEver(options, {
    writer,
    signal: stopping.signal,
    rebuild: () => forgetBlocks(database),
    reached: (blockNumber) => waiters.reached(blockNumber),
  });
  return {
    accessLog: accessLogReader(database),
    activity: activityReader(database),
    saidBefore: saidReader(database),
    ...explorerReader(database),
    height,
    awaitBlock: async (blockNumber, deadlineMs = AWAIT_DEADLINE_MS) => {
      if (height() <= blockNumber) await waiters.wait(blockNumber, deadlineMs);
    },
    stop: async () => {
      stopping.abort();
      waiters.close();
      await followed;
      database.close();
    },
  };
}

function heightOf(writer: BlockWriter): number {
  return (writer.checkpoint()?.number ?? -1) + 1;
}

interface Following {
  readonly writer: BlockWriter;
  readonly signal: AbortSignal;
  readonly rebuild: () => void;
  readonly reached: (blockNumber: number) => void;
}

async function followForEver(options: ProjectionOptions, following: Following): Promise<void> {
  const { firstMs, lastMs } = options.backoff ?? BACKOFF;
  const { signal, writer } = following;
  let waitMs = firstMs;
  while (!signal.aborted) {
    const before = heightOf(writer);
    await follow(options, following).catch((error) => handleFailure(error, options, following));
    waitMs = heightOf(writer) > before ? firstMs : Math.min(waitMs * 2, lastMs);
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

function handleFailure(error: unknown, { logger }: ProjectionOptions, following: Following): void {
  if (following.signal.aborted) return;
  if (error instanceof OtherChain) {
    logger.warn({ reason: error.message }, 'read models do not fit the chain and are built anew');
    following.rebuild();
  } else logger.error({ err: error }, 'read models stopped following the chain and will try again');
}

async function follow({ source, logger }: ProjectionOptions, following: Following): Promise<void> {
  const { writer, signal } = following;
  const checkpoint = writer.checkpoint();
  if (checkpoint !== undefined) await requireSameChain(source, following, checkpoint.number);
  // The last block is read again: that it is still the same is what the next one rests on.
  for await (const block of source.blocksFrom(checkpoint?.number ?? 0, signal)) {
    if (signal.aborted) return;
    if (isStored(writer, block)) continue;
    for (const { key, reason } of writer.write(block))
      logger.error({ blockNumber: block.number, key, reason }, 'a write of this block cannot be read');
    following.reached(block.number);
  }
}

/** A peer that is asked for a block beyond its end waits for it; so a chain that became shorter is looked for first. */
async function requireSameChain(source: BlockSource, { writer, signal }: Following, last: number): Promise<void> {
  const height = await source.height?.();
  if (height !== undefined && height <= last)
    throw new OtherChain(`the chain has ${height} blocks, the read models ${last + 1}`);
  const look = new AbortController();
  try {
    for await (const block of source.blocksFrom(0, AbortSignal.any([signal, look.signal]))) {
      if (block.headerHash !== writer.hashOf(0)) throw new OtherChain('block 0 is another one');
      return;
    }
  } finally {
    look.abort();
  }
}

function isStored(writer: BlockWriter, block: ProjectedBlock): boolean {
  const checkpoint = writer.checkpoint();
  if (checkpoint === undefined) {
    if (block.number !== 0) throw new Error(`block ${block.number} came where block 0 was due`);
    return false;
  }
  if (block.number > checkpoint.number + 1)
    throw new Error(`block ${block.number} came before ${checkpoint.number + 1}`);
  const expected = block.number > checkpoint.number ? block.previousHash : block.headerHash;
  const stored = writer.hashOf(Math.min(block.number, checkpoint.number));
  if (expected !== stored) throw new OtherChain(`block ${block.number} does not fit what is stored`);
  return block.number <= checkpoint.number;
}
