import { DomainError } from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';

/** An auditor announces that it will read the patient's log; the patient sees it there. */
export const announceLogReading: Rule<'audit:readLog'> = async ({ actor }) => {
  if (actor.role !== 'auditor')
    throw new DomainError('ROLE_NOT_ALLOWED', `${actor.memberId} is ${actor.role}, not auditor`);
  return { outcome: { action: 'read-log', outcome: 'permit' } };
};
