import {
  DomainError,
  type GrantBody,
  isOpen,
  isWithin,
  type PatientId,
  type RequestId,
  type StoredAccessRequest,
} from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { readRequest, requestWrite } from '../../state/request-store.js';
import type { WorldState } from '../../state/world-state.js';
import { requireThePatient } from '../acting-roles.js';
import { requireGivable, requireNewGrant } from './give-grant.js';

/** The patient gives what was asked for, or less. */
export const approveRequest: Rule<'consents:approve'> = async ({ state, channel, actor, input, timeMs }) => {
  const { patientId, requestId } = input;
  requireThePatient(actor, patientId);
  const request = await requireOpenRequest(state, { patientId, requestId, timeMs });
  const giving = { state, channel, patient: actor, timeMs, signed: input.grant };
  const statement = requireGivable(giving);
  requireAnswer(statement.body, request);
  const writesOf = await requireNewGrant(giving, statement);
  const { id: grantId, body } = statement;
  const { purpose, grantee, untilMs } = body;
  return {
    outcome: { action: 'approve', outcome: 'permit', purpose, requestId, grantId, grantee, untilMs },
    writes: ({ txId }) => [...writesOf(txId), requestWrite({ ...request, status: 'approved', grantId })],
  };
};

export const refuseRequest: Rule<'consents:refuse'> = async ({ state, actor, input, timeMs }) => {
  const { patientId, requestId } = input;
  requireThePatient(actor, patientId);
  const request = await requireOpenRequest(state, { patientId, requestId, timeMs });
  return {
    outcome: { action: 'refuse', outcome: 'permit', purpose: request.purpose, requestId },
    writes: () => [requestWrite({ ...request, status: 'refused' })],
  };
};

/** @throws DomainError REQUEST_UNKNOWN, REQUEST_CLOSED */
async function requireOpenRequest(
  state: WorldState,
  asked: { patientId: PatientId; requestId: RequestId; timeMs: number },
): Promise<StoredAccessRequest> {
  const { patientId, requestId, timeMs } = asked;
  const request = await readRequest(state, patientId, requestId);
  if (request === undefined)
    throw new DomainError('REQUEST_UNKNOWN', `no request ${requestId} to patient ${patientId}`);
  if (!isOpen(request, timeMs)) throw new DomainError('REQUEST_CLOSED', `request ${requestId} is ${request.status}`);
  return request;
}

/** An answer may narrow a request in every dimension and widen it in none. */
function requireAnswer(given: GrantBody, request: StoredAccessRequest): void {
  const wrong = [
    given.requestId === request.requestId ? '' : 'requestId',
    given.grantee.kind === 'person' && given.grantee.id === request.requesterId ? '' : 'grantee',
    given.actions.every((action) => request.actions.includes(action)) ? '' : 'actions',
    isWithin(given.scope, request.scope) ? '' : 'scope',
    given.purpose === request.purpose ? '' : 'purpose',
    given.untilMs <= request.untilMs ? '' : 'untilMs',
  ].find((name) => name !== '');
  if (wrong !== undefined)
    throw new DomainError('STATEMENT_INVALID', `/statement/body/${wrong} does not answer request ${request.requestId}`);
}
