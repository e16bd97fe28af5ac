import { setTimeout as wait } from 'node:timers/promises';
import type { ErrorCode } from '@medledger/chaincode/domain';
import { common } from '@hyperledger/fabric-protos';
import type { IdentityGateway } from './gateway-cache.js';
import { LedgerFailure } from './ledger-failure.js';

export interface Heights {
  /** Number of blocks that the connected peer has committed. */
  readonly own: () => Promise<number>;
  /** The same of peers of other organisations, as far as they answer. */
  readonly others: readonly (() => Promise<number>)[];
}

export interface CatchUpBounds {
  /** How long other peers are waited for. */
  readonly othersMs: number;
  /** How long the connected peer is waited for, once it is known to be behind. */
  readonly ownMs: number;
}

export const CHAIN_INFO = 'GetChainInfo';
const ASK_AGAIN_MS = 20;

/**
 * Waits until the connected peer has what the highest of the other peers had when this was called. Peers that do not
 * answer in time are left out, and a connected peer that stays behind is waited for no longer than the bound: never
 * rejects.
 */
export async function catchUp({ own, others }: Heights, bounds: CatchUpBounds): Promise<void> {
  const known = await Promise.all(others.map((other) => within(other(), bounds.othersMs)));
  const highest = Math.max(0, ...known.map((height) => height ?? 0));
  const waiting = new AbortController();
  const reached = reach(own, highest, waiting.signal).catch(() => undefined);
  await within(reached, bounds.ownMs);
  waiting.abort();
}

/** The number of blocks that the peer behind a gateway has committed. */
export async function askHeight(
  { qscc }: Pick<IdentityGateway, 'qscc'>,
  channel: string,
  deadline: number,
): Promise<number> {
  return heightIn(await qscc.newProposal(CHAIN_INFO, { arguments: [channel] }).evaluate({ deadline }));
}

export function heightIn(chainInfo: Uint8Array): number {
  return common.BlockchainInfo.deserializeBinary(chainInfo).getHeight();
}

/**
 * Codes by which a peer says that something is not there, or is not the caller's: what a peer also says that has not
 * committed the newest block yet.
 */
const MISSING_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'PATIENT_UNKNOWN',
  'MEMBER_UNKNOWN',
  'CALLER_UNKNOWN',
  'GRANT_UNKNOWN',
  'REQUEST_UNKNOWN',
  'DELEGATION_UNKNOWN',
  'REPRESENTATION_UNKNOWN',
  'GROUP_UNKNOWN',
  'EMERGENCY_UNKNOWN',
  'RECORD_UNKNOWN',
  'NOT_THE_PATIENT',
]);

/**
 * Makes a call that changes nothing where it throws. Where something was missing it is made once more when the peer has
 * caught up, and that answer counts: what one gateway has committed, every other one finds.
 */
export async function askUpToDate<T>(
  ask: () => Promise<T>,
  { caughtUp, found = () => true }: { caughtUp: () => Promise<void>; found?: (answer: T) => boolean },
): Promise<T> {
  try {
    const answer = await ask();
    if (found(answer)) return answer;
  } catch (error) {
    if (!(error instanceof LedgerFailure) || !MISSING_CODES.has(error.code)) throw error;
  }
  await caughtUp();
  return ask();
}

async function reach(own: Heights['own'], height: number, signal: AbortSignal): Promise<void> {
  while (height > 0 && (await own()) < height) await wait(ASK_AGAIN_MS, undefined, { signal });
}

/** @returns undefined when it takes longer or fails */
async function within<T>(asked: Promise<T>, boundMs: number): Promise<T | undefined> {
  const waiting = new AbortController();
  const late = wait(boundMs, undefined, { signal: waiting.signal }).catch(() => undefined);
  try {
    return await Promise.race([asked.catch(() => undefined), late]);
  } finally {
    waiting.abort();
  }
}
