import { DomainError, type Notice } from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { loadConsents, needsNotice } from '../../state/load-consents.js';
import { noticedWrite, noticeWrite, readNoticed } from '../../state/notice-store.js';
import { requireStaff } from '../acting-roles.js';

/**
 * A member who came after the patient trusted its agency or role says so. What it gains by it, it gains once this is
 * committed. Where nothing is gained the refusal is written and the patient is not troubled with a notice.
 */
export const announceMembership: Rule<'consents:announce'> = async ({ state, actor, input }) => {
  requireStaff(actor);
  const { patientId } = input;
  const { memberId, agencyId, registerVersion } = actor;
  if (registerVersion === undefined)
    throw new DomainError('ROLE_NOT_ALLOWED', `no register document names ${memberId}`);
  const consents = await loadConsents(state, { patientId, actor });
  if (!needsNotice(actor, consents)) return { outcome: { action: 'announce', outcome: 'deny', code: 'NO_GRANT' } };
  const isTold = ((await readNoticed(state, patientId, memberId)) ?? 0) >= registerVersion;
  if (isTold) return { outcome: { action: 'announce', outcome: 'permit' } };
  return {
    outcome: { action: 'announce', outcome: 'permit' },
    writes: ({ timeMs: atMs, txId }) => [
      noticedWrite(patientId, memberId, registerVersion),
      noticeWrite(patientId, {
        kind: 'joined',
        atMs,
        memberId,
        txId,
        registerVersion,
        ...(agencyId === undefined ? {} : { agencyId }),
      } satisfies Notice),
    ],
  };
};
