import { DomainError, limits, type StoredAccessRequest } from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { newRequestWrites, readRequestOwner } from '../../state/request-store.js';
import { requireStaff } from '../acting-roles.js';

/** Staff asks a patient. That the patient exists, the lane's genesis has shown. */
export const requestAccess: Rule<'consents:request'> = async ({ state, actor, input, timeMs }) => {
  requireStaff(actor);
  const { requestId, purpose, untilMs } = input;
  if (untilMs <= timeMs) throw new DomainError('INPUT_INVALID', '/untilMs must lie in the future');
  if (untilMs > timeMs + limits.GRANT_DURATION_MAX_MS)
    throw new DomainError('INPUT_INVALID', '/untilMs must lie within ten years');
  if ((await readRequestOwner(state, requestId)) !== undefined)
    throw new DomainError('REQUEST_EXISTS', `request ${requestId} is stored`);
  const request: StoredAccessRequest = {
    ...input,
    requesterId: actor.memberId,
    requestedAtMs: timeMs,
    status: 'pending',
  };
  return {
    outcome: { action: 'request', outcome: 'permit', purpose, requestId, untilMs },
    writes: () => newRequestWrites(request),
  };
};
