import type { Context } from 'fabric-contract-api';
import { type Member, parseTransactionInput, type TransactionInput, type TransactionName } from '../domain/index.js';
import { commitEntry, patientOf, requireSolved, type Ruling } from './lane-call.js';
import { memberKey } from './keys.js';
import { historyKeys, readHeadOrFirst, requireWholeHistory } from './lane-store.js';
import { proposalOf } from './proposal.js';
import { requireRegistered } from './register-store.js';
import type { WorldState } from './world-state.js';

/** What a rule decides about. */
export interface Request<N extends TransactionName> {
  readonly state: WorldState;
  readonly channel: string;
  /** The caller, as the register has it. */
  readonly actor: Member;
  readonly input: TransactionInput<N>;
  /** Time of the entry, never earlier than the one before it in the lane. */
  readonly timeMs: number;
}

/** Loads what it needs and decides. What it throws is not written; a refusal that the patient must see is an outcome. */
export type Rule<N extends TransactionName> = (request: Request<N>) => Promise<Ruling>;

/**
 * Keys that the rule reads for this input in any case, unless it throws: they come in one message with the lane's
 * entries. What follows from what is read, the rule reads itself.
 */
export type Reads<N extends TransactionName> = (input: TransactionInput<N>) => readonly string[];

/**
 * The path of every transaction but the two that make members: proof before state, register before rule, the earlier
 * lane before anything is written.
 *
 * @returns TransactionAnswer as canonical JSON
 * @throws DomainError STALE_HEAD, NONCE_INVALID, CALLER_UNKNOWN, CHAIN_BROKEN, and what the rule throws
 */
export async function extendLane<N extends TransactionName>(
  ctx: Context,
  call: { readonly transaction: N; readonly businessJson: string; readonly proofJson: string },
  rule: Rule<N>,
  reads: Reads<N> = () => [],
): Promise<string> {
  const proposal = proposalOf(ctx);
  const caller = proposal.caller();
  const input = parseTransactionInput(call.transaction, call.businessJson);
  const patientId = patientOf(input);
  const { state, channel } = proposal;
  const head = await readHeadOrFirst(state, { patientId, memberId: caller.memberId });
  const solved = await requireSolved({ proposal, caller, ...call, patientId, head });
  await state.readAhead([memberKey(caller.memberId), ...historyKeys(solved), ...reads(input)]);
  const actor = await requireRegistered(state, caller);
  await requireWholeHistory(state, solved);
  const ruling = await rule({ state, channel, actor, input, timeMs: solved.timeMs });
  return commitEntry(solved, ruling);
}
