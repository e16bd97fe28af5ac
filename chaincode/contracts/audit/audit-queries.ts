import {
  DomainError,
  type HistoryAnswer,
  type LaneAnswer,
  type LaneEntry,
  type LanesAnswer,
  limits,
  type Member,
  NO_PATIENT,
} from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import { listEntries, listLanes, readEntry, readHeadOrFirst } from '../../state/lane-store.js';
import { requireVerifier, requireLogReader } from './reading-rights.js';

interface Asked {
  readonly actor: Member;
}

/** Where the caller's own lane ends; for a lane not begun, where it will begin. */
export async function findHead({ state, input, caller }: Question<'audit:head'>): Promise<LaneAnswer> {
  const { patientId } = input;
  const { memberId } = caller();
  return { patientId, memberId, head: await readHeadOrFirst(state, { patientId, memberId }) };
}

/** Also for the actor itself, in a lane about no patient. */
export async function findEntry(question: Question<'audit:entry'> & Asked): Promise<LaneEntry> {
  const { state, actor, input, claimedMs } = question;
  const { patientId, memberId, sequence } = input;
  const isOwn = patientId === NO_PATIENT && memberId === actor.memberId;
  if (!isOwn) await requireLogReader({ state, actor, patientId, atMs: claimedMs });
  const entry = await readEntry(state, { patientId, memberId }, sequence);
  if (entry === undefined)
    throw new DomainError('INPUT_INVALID', `/sequence: lane ${patientId}~${memberId} has no entry ${sequence}`);
  return entry;
}

/** Every lane about the patient, one for each actor, with the head it claims to have. */
export async function findLanes({
  state,
  actor,
  input,
  claimedMs,
}: Question<'audit:lanes'> & Asked): Promise<LanesAnswer> {
  const { patientId } = input;
  await requireVerifier({ state, actor, patientId, atMs: claimedMs });
  return listLanes(state, patientId, limits.PAGE_ITEMS_MAX);
}

/** Entries of all lanes about the patient: lane by lane, each from its beginning. */
export async function pageOfHistory(question: Question<'audit:history'> & Asked): Promise<HistoryAnswer> {
  const { state, actor, input, claimedMs } = question;
  const { patientId } = input;
  await requireLogReader({ state, actor, patientId, atMs: claimedMs });
  return listEntries(state, patientId, input);
}
