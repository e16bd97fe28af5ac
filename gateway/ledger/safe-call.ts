import type { Client } from '@grpc/grpc-js';
import { backOff } from './backoff.js';
import { type CallFailure, type PeerReport, readCallFailure } from './ledger-errors.js';
import { whenConnected } from './ledger-connection.js';
import { LedgerFailure } from './ledger-failure.js';
import type { LedgerSettings } from './ledger-settings.js';

type Organizations = readonly string[] | undefined;

/** A call that changes nothing, so that it may be made again: a query, or an endorsement. */
export interface SafeCall<T> {
  /** @param organizations - to name in the call; undefined lets the connected peer choose */
  readonly run: (organizations: Organizations) => Promise<T>;
  /** The only organisations that may be asked; failing there is final. */
  readonly pinned: Organizations;
  readonly first: () => Organizations;
  /** Whom to ask instead, undefined when too few are left. */
  readonly without: (mspIds: Iterable<string>) => Organizations;
}

export interface SafeCallContext {
  readonly client: Client;
  readonly peerMspId: string;
  readonly settings: LedgerSettings;
  readonly nowMs: () => number;
  readonly report: (attacked: readonly PeerReport[]) => void;
  /** Given when the ledger is closed: nothing is tried again then. */
  readonly stopping: AbortSignal;
}

type PeersFailure = Extract<CallFailure, { kind: 'peers' }>;

/**
 * Makes the call until somebody answers: past peers that fail or are attacked, and through a ledger that restarts.
 *
 * @throws LedgerFailure; whatever a signer threw passes unchanged
 */
export async function callSafely<T>(call: SafeCall<T>, context: SafeCallContext): Promise<T> {
  const untilMs = context.nowMs() + context.settings.unavailableMs;
  const failed = new Set<string>();
  let organizations = call.pinned ?? call.first();
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call.run(organizations);
    } catch (cause) {
      organizations = await afterFailure(cause, { call, context, failed, attempt, untilMs });
    }
  }
}

interface Attempt<T> {
  readonly call: SafeCall<T>;
  readonly context: SafeCallContext;
  /** Organisations that failed since somebody last answered nothing at all. */
  readonly failed: Set<string>;
  readonly attempt: number;
  readonly untilMs: number;
}

/** @returns whom to name in the next attempt; throws what is final */
async function afterFailure<T>(cause: unknown, made: Attempt<T>): Promise<Organizations> {
  const { call, context, attempt } = made;
  if (context.stopping.aborted) throw new LedgerFailure('LEDGER_UNAVAILABLE', 'the gateway is stopping', { cause });
  const failure = readCallFailure(cause, context.peerMspId);
  if (failure === undefined) throw cause;
  const others = otherPeers(failure, cause, made);
  if (others !== undefined) return others;
  await waitForLedger(failure, cause, made);
  // Every second time the connected peer chooses: those that were named may be the ones that are down.
  return call.pinned ?? (attempt % 2 === 0 ? undefined : call.first());
}

/** @returns whom to ask next, or undefined to wait and begin anew; throws what is final */
function otherPeers<T>(failure: CallFailure, cause: unknown, made: Attempt<T>): Organizations {
  switch (failure.kind) {
    case 'chaincode':
      made.context.report(failure.attacked);
      throw failure.failure;
    case 'mismatch':
      throw new LedgerFailure('LEDGER_CONFLICT', `the peers answered differently: ${failure.detail}`, {
        cause,
        conflict: 'mismatch',
      });
    case 'refused':
      throw new LedgerFailure('LEDGER_REFUSED', failure.detail, { cause });
    case 'silent':
      return undefined;
    case 'peers':
      return afterPeersFailed(failure, cause, made);
  }
}

function afterPeersFailed<T>(
  failure: PeersFailure,
  cause: unknown,
  { call, context, failed }: Attempt<T>,
): Organizations {
  context.report(failure.attacked);
  for (const mspId of failure.mspIds) failed.add(mspId);
  const others = call.pinned === undefined ? call.without(failed) : undefined;
  if (others !== undefined) return others;
  failed.clear();
  const [attacked] = failure.attacked;
  if (attacked !== undefined) throw new LedgerFailure(attacked.code, failure.detail, { cause });
  // Asked of every peer that could be: waiting makes no certificate good.
  if (failure.strange) throw new LedgerFailure('CALLER_UNKNOWN', failure.detail, { cause });
  if (!failure.passing) throw new LedgerFailure('LEDGER_REFUSED', failure.detail, { cause });
  return undefined;
}

async function waitForLedger<T>(
  failure: CallFailure,
  cause: unknown,
  { context, attempt, untilMs }: Attempt<T>,
): Promise<void> {
  const { client, nowMs, settings, stopping } = context;
  if (nowMs() < untilMs) {
    await backOff(attempt, { minMs: settings.backoffMinMs, maxMs: settings.backoffMaxMs }, stopping);
    if (await whenConnected(client, untilMs - nowMs())) return;
  }
  const detail = 'detail' in failure ? failure.detail : 'no answer';
  throw new LedgerFailure('LEDGER_UNAVAILABLE', detail, { cause });
}
