import { DomainError, emergencyOf, mayReview, type StoredEmergency } from '../../domain/index.js';
import { readEmergency, readOpenEmergencies, reviewWrites } from '../../state/emergency-store.js';
import type { Rule } from '../../state/extend-lane.js';
import { actorOf } from '../../state/load-consents.js';
import { noticeWrite } from '../../state/notice-store.js';

/** A second person says what an emergency was; the patient is told, and the actor may declare again. */
export const reviewEmergency: Rule<'access:review'> = async ({ state, actor, input }) => {
  const { patientId, emergencyId, finding, commentSha256, commentCid } = input;
  const stored = await readEmergency(state, patientId, emergencyId);
  if (stored === undefined)
    throw new DomainError('EMERGENCY_UNKNOWN', `patient ${patientId} has no emergency ${emergencyId}`);
  const { actorId } = emergencyOf(stored.declaration);
  const { memberId } = actor;
  if (!mayReview(actorOf(actor), { actorId, ...agencyIn(stored) }))
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

export function agencyIn({ agencyId }: StoredEmergency): Pick<StoredEmergency, 'agencyId'> {
  return agencyId === undefined ? {} : { agencyId };
}
