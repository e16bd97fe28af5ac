import type { Client } from '@grpc/grpc-js';
import type { Status } from '@hyperledger/fabric-gateway';
import { backOff } from './backoff.js';
import type { CommitStatus } from './ledger.js';
import { whenConnected } from './ledger-connection.js';
import { isAccessDenied, isDefiniteRefusal, isFabricError, validationCodeName } from './ledger-errors.js';
import { LedgerFailure } from './ledger-failure.js';
import type { LedgerSettings } from './ledger-settings.js';

/** One signed envelope; both may be called any number of times. */
export interface SignedTransaction {
  readonly transactionId: string;
  /** @param attempt - zero-based; each may go another way */
  readonly send: (deadlineMs: number, attempt: number) => Promise<void>;
  readonly status: (deadlineMs: number) => Promise<Status>;
}

export interface SettlementContext {
  readonly client: Client;
  readonly settings: LedgerSettings;
  readonly nowMs: () => number;
  /** Given when the ledger is closed: the next run finds out then. */
  readonly stopping: AbortSignal;
}

/**
 * Sends one envelope until it is known how it ended. Whatever gets lost, it is the same transaction: asked about by
 * its id, sent again as it is. An orderer that had it already puts the second copy into a block as DUPLICATE_TXID,
 * which changes nothing.
 *
 * @param options.sentBefore - an earlier run may have sent it: look first, and take no refusal for certain
 * @throws LedgerFailure LEDGER_REFUSED when no orderer took it, OUTCOME_UNKNOWN
 */
export async function settle(
  transaction: SignedTransaction,
  context: SettlementContext,
  options: { readonly sentBefore?: boolean } = {},
): Promise<CommitStatus> {
  const sentBefore = options.sentBefore === true;
  const known = sentBefore ? await askStatus(transaction, context.settings.statusProbeMs, context) : undefined;
  return known ?? sendUntilKnown(transaction, context, sentBefore);
}

async function sendUntilKnown(
  transaction: SignedTransaction,
  context: SettlementContext,
  sentBefore: boolean,
): Promise<CommitStatus> {
  const { settings, nowMs, stopping } = context;
  const untilMs = nowMs() + settings.outcomeMs;
  for (let attempt = 0; ; attempt += 1) {
    const accepted = await send(transaction, context, { attempt, sentBefore: sentBefore || attempt > 0 });
    const waitMs = accepted ? settings.resendMs * 2 ** attempt : settings.statusProbeMs;
    const longestMs = Math.min(settings.commitStatusMs, untilMs - nowMs());
    const status = await askStatus(transaction, Math.min(waitMs, longestMs), context);
    if (status !== undefined) return status;
    if (nowMs() >= untilMs || stopping.aborted) throw unknownOutcome(transaction, undefined);
    await backOff(attempt, { minMs: settings.backoffMinMs, maxMs: settings.backoffMaxMs }, stopping);
  }
}

/** @returns undefined when the peer has not committed it, or has not answered, within the time */
export async function askStatus(
  transaction: Pick<SignedTransaction, 'transactionId' | 'status'>,
  waitMs: number,
  { client, settings, nowMs, stopping }: SettlementContext,
): Promise<CommitStatus | undefined> {
  const untilMs = nowMs() + waitMs;
  let duplicate: CommitStatus | undefined;
  for (let attempt = 0; ; attempt += 1) {
    const status = await askOnce(transaction, untilMs, stopping);
    // A second copy may be what the peer is telling about; asked again it looks the first one up.
    if (status !== undefined && (status.validationCode !== 'DUPLICATE_TXID' || duplicate !== undefined)) return status;
    duplicate = status;
    if (nowMs() >= untilMs || stopping.aborted) return undefined;
    await backOff(attempt, { minMs: settings.backoffMinMs, maxMs: settings.backoffMaxMs }, stopping);
    if (!(await whenConnected(client, untilMs - nowMs()))) return undefined;
  }
}

async function askOnce(
  transaction: Pick<SignedTransaction, 'transactionId' | 'status'>,
  deadlineMs: number,
  stopping: AbortSignal,
): Promise<CommitStatus | undefined> {
  try {
    const told = await untilStopped(transaction.status(deadlineMs), stopping);
    if (told === undefined) return undefined;
    const { transactionId, blockNumber, code } = told;
    return { transactionId, blockNumber: Number(blockNumber), validationCode: validationCodeName(code) };
  } catch (error) {
    if (!isFabricError(error) || isAccessDenied(error)) throw unknownOutcome(transaction, error);
    return undefined;
  }
}

/** Closing a client leaves its calls to their deadlines: whoever stops does not wait for them. */
function untilStopped<T>(asked: Promise<T>, stopping: AbortSignal): Promise<T | undefined> {
  const answered = new AbortController();
  const stopped = new Promise<undefined>((resolve) => {
    const listening = { once: true, signal: answered.signal };
    if (stopping.aborted) resolve(undefined);
    else stopping.addEventListener('abort', () => resolve(undefined), listening);
  });
  return Promise.race([asked, stopped]).finally(() => answered.abort());
}

/** @returns whether the orderer said that it has the transaction */
async function send(
  transaction: SignedTransaction,
  { settings, nowMs, stopping }: SettlementContext,
  { attempt, sentBefore }: { readonly attempt: number; readonly sentBefore: boolean },
): Promise<boolean> {
  try {
    await transaction.send(nowMs() + settings.submitMs, attempt);
    return true;
  } catch (cause) {
    if (stopping.aborted) return false;
    if (!isFabricError(cause)) throw cause;
    if (!sentBefore && isDefiniteRefusal(cause)) {
      const { transactionId } = transaction;
      throw new LedgerFailure('LEDGER_REFUSED', `the orderer refused the transaction: ${cause.message}`, {
        cause,
        transactionId,
      });
    }
    return false;
  }
}

function unknownOutcome({ transactionId }: Pick<SignedTransaction, 'transactionId'>, cause: unknown): LedgerFailure {
  return new LedgerFailure('OUTCOME_UNKNOWN', `how transaction ${transactionId} ended is not known yet`, {
    cause,
    transactionId,
  });
}
