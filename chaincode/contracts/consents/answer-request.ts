import {
  canonicalJson,
  DomainError,
  type GrantBody,
  type Grantee,
  isOpen,
  isWithin,
  type PatientId,
  type RequestId,
  type StoredAccessRequest,
} from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { readRequest, requestWrite } from '../../state/request-store.js';
import type { WorldState } from '../../state/world-state.js';
import { requireNext } from '../signed-statement.js';
import { requireGivable, requireNewGrant } from './give-grant.js';
import { named, requireSpeaker } from './speaker.js';

/** The patient gives what was asked for, or less. */
export const approveRequest: Rule<'consents:approve'> = async ({ state, channel, actor, input, timeMs }) => {
  const { patientId, requestId } = input;
  const giving = { state, channel, patientId, actor, timeMs, signed: input.grant };
  const speaker = await requireSpeaker(giving);
  const request = await requireOpenRequest(state, { patientId, requestId, timeMs });
  const statement = await requireGivable(giving);
  requireNext(statement, undefined);
  requireAnswer(statement.body, request);
  const writesOf = await requireNewGrant(giving, statement);
  const { id: grantId, body } = statement;
  const { purpose, grantee, untilMs } = body;
  return {
    outcome: {
      action: 'approve',
      outcome: 'permit',
      purpose,
      requestId,
      grantId,
      grantee,
      untilMs,
      ...named(speaker),
    },
    writes: ({ txId }) => [...writesOf(txId), requestWrite({ ...request, status: 'approved', grantId })],
  };
};

export const refuseRequest: Rule<'consents:refuse'> = async ({ state, actor, input, timeMs }) => {
  const { patientId, requestId } = input;
  const speaker = await requireSpeaker({ state, patientId, actor, timeMs });
  const request = await requireOpenRequest(state, { patientId, requestId, timeMs });
  return {
    outcome: { action: 'refuse', outcome: 'permit', purpose: request.purpose, requestId, ...named(speaker) },
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
    sameGrantee(given.grantee, request) ? '' : 'grantee',
    given.actions.every((action) => request.actions.includes(action)) ? '' : 'actions',
    isWithin(given.scope, request.scope) ? '' : 'scope',
    given.purpose === request.purpose ? '' : 'purpose',
    given.untilMs <= request.untilMs ? '' : 'untilMs',
  ].find((name) => name !== '');
  if (wrong !== undefined)
    throw new DomainError('STATEMENT_INVALID', `/statement/body/${wrong} does not answer request ${request.requestId}`);
}

/** Where the request names nobody else, who asked. */
function sameGrantee(given: Grantee, { grantee, requesterId }: StoredAccessRequest): boolean {
  return canonicalJson({ ...given }) === canonicalJson({ ...(grantee ?? { kind: 'person', id: requesterId }) });
}
