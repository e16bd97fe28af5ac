import {
  type Actor,
  DomainError,
  emergencyOf,
  type Member,
  mayReview,
  type StoredEmergency,
} from '../../domain/index.js';
import { readEmergency, readOpenEmergencies, reviewWrites } from '../../state/emergency-store.js';
import type { Rule } from '../../state/extend-lane.js';
import { actorOf } from '../../state/load-consents.js';
import { noticeWrite } from '../../state/notice-store.js';
import { readAgency } from '../../state/register-store.js';
import type { WorldState } from '../../state/world-state.js';

/** A second person says what an emergency was; the patient is told, and the actor may declare again. */
export const reviewEmergency: Rule<'access:review'> = async ({ state, actor, input }) => {
  const { patientId, emergencyId, finding, commentSha256, commentCid } = input;
  const stored = await readEmergency(state, patientId, emergencyId);
  if (stored === undefined)
    throw new DomainError('EMERGENCY_UNKNOWN', `patient ${patientId} has no emergency ${emergencyId}`);
  const { actorId } = emergencyOf(stored.declaration);
  const { memberId } = actor;
  if (!mayReview(await reviewerOf(state, actor, stored), { actorId, ...agencyIn(stored) }))
    throw new DomainError('ROLE_NOT_ALLOWED', `${memberId} may not review what ${actorId} declared`);
  if (stored.review !== undefined)
    throw new DomainError('REQUEST_CLOSED', `emergency ${emergencyId} was reviewed by ${stored.review.reviewerId}`);
  const open = await readOpenEmergencies(state, actorId);
  const comment = {
    ...(commentSha256 === undefined ? {} : { commentSha256 }),
    ...(commentCid === undefined ? {} : { commentCid }),
  };
  return {
    outcome: { action: 'review', outcome: 'permit', emergencyId, finding },
    writes: ({ timeMs: atMs, txId }) => {
      const reviewed: StoredEmergency = { ...stored, review: { reviewerId: memberId, finding, atMs, ...comment } };
      return [
        ...reviewWrites({ patientId, emergencyId, actorId, stored: reviewed }, open),
        noticeWrite(patientId, { kind: 'review', atMs, memberId, txId, emergencyId, finding }),
      ];
    },
  };
};

/**
 * Who would review, at the agency for which it does: the register names an agency with the organisation that it belongs
 * to, and an admin who is at none of them is that of all agencies of the organisation.
 */
export async function reviewerOf(state: WorldState, member: Member, declared: StoredEmergency): Promise<Actor> {
  const actor = actorOf(member);
  const { agencyId } = declared;
  if (member.role !== 'admin' || member.agencyId !== undefined || agencyId === undefined) return actor;
  const agency = await readAgency(state, agencyId);
  return agency?.organisation === member.organisation ? { ...actor, agencyId } : actor;
}

export function agencyIn({ agencyId }: StoredEmergency): Pick<StoredEmergency, 'agencyId'> {
  return agencyId === undefined ? {} : { agencyId };
}
