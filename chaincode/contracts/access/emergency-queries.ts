import {
  type AgencyId,
  emergencyOf,
  limits,
  type Member,
  mayReview,
  type Page,
  type Role,
  type StoredEmergency,
  type UnreviewedAnswer,
  type UnreviewedCount,
} from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import { listEmergencies, listUnreviewed, readEmergency, type Unreviewed } from '../../state/emergency-store.js';
import { requirePatient } from '../../state/register-store.js';
import type { WorldState } from '../../state/world-state.js';
import { findSpeaker } from '../consents/speaker.js';
import { agencyIn, reviewerOf } from './review-emergency.js';

/** Those who may review what was declared at an agency that they are not at themselves. */
const REVIEWING_ELSEWHERE: readonly Role[] = ['government', 'auditor', 'admin'];

interface Asked {
  readonly actor: Member;
}

/** A page may hold less than its limit and still name a next one: it leaves out what is not the caller's business. */
export async function pageOfEmergencies(
  question: Question<'access:emergencies'> & Asked,
): Promise<Page<StoredEmergency>> {
  const { state, actor, input, claimedMs } = question;
  const { patientId } = input;
  await requirePatient(state, patientId);
  const speaker = await findSpeaker({ state, patientId, actor, timeMs: claimedMs });
  const page = await listEmergencies(state, patientId, input);
  if (speaker !== undefined) return page;
  const items: StoredEmergency[] = [];
  for (const stored of page.items)
    if (isOwn(actor, stored) || (await isReviewable(state, actor, stored))) items.push(stored);
  return { ...page, items };
}

/** Every member sees how much is left to review, who may review also what. */
export async function countUnreviewed(question: Question<'access:unreviewed'> & Asked): Promise<UnreviewedAnswer> {
  const { state, actor, input, claimedMs } = question;
  const rows = await listUnreviewed(state, input.agencyId, limits.PAGE_ITEMS_MAX);
  return { counts: countsOf(rows, claimedMs), emergencies: await reviewable(state, actor, rows) };
}

function countsOf(rows: readonly Unreviewed[], atMs: number): readonly UnreviewedCount[] {
  const byAgency = new Map<AgencyId, UnreviewedCount>();
  for (const { agencyId, reviewDueMs } of rows) {
    const { unreviewed, overdue } = byAgency.get(agencyId) ?? { unreviewed: 0, overdue: 0 };
    const isOverdue = reviewDueMs <= atMs;
    byAgency.set(agencyId, { agencyId, unreviewed: unreviewed + 1, overdue: overdue + (isOverdue ? 1 : 0) });
  }
  return [...byAgency.values()];
}

async function reviewable(
  state: WorldState,
  actor: Member,
  rows: readonly Unreviewed[],
): Promise<readonly StoredEmergency[]> {
  const found: StoredEmergency[] = [];
  for (const { patientId, emergencyId, agencyId } of rows) {
    // Who declared it is known only from the declaration; whose agency it is, already from the row.
    if (actor.agencyId !== agencyId && !REVIEWING_ELSEWHERE.includes(actor.role)) continue;
    const stored = await readEmergency(state, patientId, emergencyId);
    if (stored !== undefined && (await isReviewable(state, actor, stored))) found.push(stored);
  }
  return found;
}

async function isReviewable(state: WorldState, actor: Member, stored: StoredEmergency): Promise<boolean> {
  const { actorId } = emergencyOf(stored.declaration);
  return mayReview(await reviewerOf(state, actor, stored), { actorId, ...agencyIn(stored) });
}

function isOwn({ memberId }: Member, { declaration }: StoredEmergency): boolean {
  return emergencyOf(declaration).actorId === memberId;
}
