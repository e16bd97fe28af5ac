import { DomainError, type StoredAccessRequest } from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { newRequestWrites, readRequestOwner } from '../../state/request-store.js';
import { requireStaff } from '../acting-roles.js';
import { requireEndWithin } from './give-grant.js';
import { requireGrantee } from './grantee-check.js';

/** Staff asks a patient. That the patient exists, the lane's genesis has shown. */
export const requestAccess: Rule<'consents:request'> = async ({ state, actor, input, timeMs }) => {
  requireStaff(actor);
  const { patientId, requestId, purpose, untilMs, grantee } = input;
  requireEndWithin(untilMs, timeMs);
  if (grantee?.kind === 'group') throw new DomainError('INPUT_INVALID', '/grantee: only the patient names own groups');
  // Only a delegate passes on; a request that no grant can answer is not taken.
  if (input.actions.includes('share') !== (grantee?.kind === 'delegate'))
    throw new DomainError('INPUT_INVALID', '/actions must name share for a delegate, and for nobody else');
  if (grantee !== undefined) await requireGrantee(state, grantee, patientId);
  if ((await readRequestOwner(state, requestId)) !== undefined)
    throw new DomainError('REQUEST_EXISTS', `request ${requestId} is stored`);
  const request: StoredAccessRequest = {
    ...input,
    requesterId: actor.memberId,
    requestedAtMs: timeMs,
    status: 'pending',
  };
  return {
    outcome: {
      action: 'request',
      outcome: 'permit',
      purpose,
      requestId,
      ...(grantee === undefined ? {} : { grantee }),
      untilMs,
    },
    writes: () => newRequestWrites(request),
  };
};
