import {
  type AccessRequestAnswer,
  type ConsentsAnswer,
  DomainError,
  type GrantAnswer,
  type GrantLocation,
  grantOf,
  limits,
  type Member,
  type Notice,
  type Page,
} from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import { listLiveEmergencies, readOwnEmergencies } from '../../state/emergency-store.js';
import { listGrants, listHoldingGrants, readGrantOwner } from '../../state/grant-store.js';
import { loadStatementsWithCounts } from '../../state/load-consents.js';
import { listNoticed, listNotices } from '../../state/notice-store.js';
import { requirePatient } from '../../state/register-store.js';
import { listRequestsOf, listRequestsTo, readRequest, readRequestOwner } from '../../state/request-store.js';
import { listStatements, readPolicy } from '../../state/statement-store.js';
import { readUsed } from '../../state/use-store.js';
import { requirePatientOrStaff } from '../acting-roles.js';
import { requireSpeaker } from './speaker.js';

interface Asked {
  readonly actor: Member;
}

export async function pageOfGrants(question: Question<'consents:grants'> & Asked): Promise<Page<GrantAnswer>> {
  const { state, actor, input, claimedMs } = question;
  await requireSpeaker({ state, patientId: input.patientId, actor, timeMs: claimedMs });
  return listGrants(state, input.patientId, input);
}

/** With a patient: what that patient was asked. Without: what the caller was asked, or has asked. */
export async function pageOfRequests(
  question: Question<'consents:requests'> & Asked,
): Promise<Page<AccessRequestAnswer>> {
  const { state, actor, input, claimedMs } = question;
  requirePatientOrStaff(actor);
  if (input.patientId === undefined && actor.role !== 'patient') return listRequestsOf(state, actor.memberId, input);
  const patientId = input.patientId ?? actor.memberId;
  await requireSpeaker({ state, patientId, actor, timeMs: claimedMs });
  return listRequestsTo(state, patientId, input);
}

/** For the two whom it concerns. */
export async function findRequest(question: Question<'consents:accessRequest'> & Asked): Promise<AccessRequestAnswer> {
  const { state, actor, input, claimedMs } = question;
  const { requestId } = input;
  const patientId = await readRequestOwner(state, requestId);
  const request = patientId === undefined ? undefined : await readRequest(state, patientId, requestId);
  if (request === undefined) throw new DomainError('REQUEST_UNKNOWN', `no request ${requestId}`);
  if (request.requesterId !== actor.memberId)
    await requireSpeaker({ state, patientId: request.patientId, actor, timeMs: claimedMs });
  return request;
}

export async function locateGrant({ state, input }: Question<'consents:locateGrant'> & Asked): Promise<GrantLocation> {
  const { grantId } = input;
  const patientId = await readGrantOwner(state, grantId);
  if (patientId === undefined) throw new DomainError('GRANT_UNKNOWN', `no grant ${grantId}`);
  return { grantId, patientId };
}

/** Everything the patient has said that holds or will hold. */
export async function gatherConsents(question: Question<'consents:all'> & Asked): Promise<ConsentsAnswer> {
  const { state, actor, input, claimedMs } = question;
  const { patientId } = input;
  await requireSpeaker({ state, patientId, actor, timeMs: claimedMs });
  const pageItems = limits.PAGE_ITEMS_MAX;
  const grants = await listHoldingGrants(state, patientId, { atMs: claimedMs, pageItems });
  const counted = grants.map(grantOf).filter(({ uses }) => uses !== undefined);
  const groups = await listStatements(state, patientId, 'group', pageItems);
  const policy = await readPolicy(state, patientId);
  return {
    ...(policy === undefined ? {} : { policy: policy.statement }),
    grants,
    delegations: await listStatements(state, patientId, 'delegation', pageItems),
    groups: groups.map(({ statement }) => statement),
    representations: await listStatements(state, patientId, 'representation', pageItems),
    emergencies: await listLiveEmergencies(state, patientId, claimedMs),
    used: await readUsed(
      state,
      patientId,
      counted.map(({ grantId }) => grantId),
    ),
    noticed: await listNoticed(state, patientId, pageItems),
  };
}

/** What of it can concern the caller, with the emergencies that it declared itself. */
export async function findConsentsForCaller(question: Question<'consents:mine'> & Asked): Promise<ConsentsAnswer> {
  const { state, actor, input } = question;
  const { patientId } = input;
  await requirePatient(state, patientId);
  if (actor.memberId === patientId) return gatherConsents(question);
  const statements = await loadStatementsWithCounts(state, { patientId, actor });
  return { ...statements, emergencies: await readOwnEmergencies(state, patientId, actor.memberId) };
}

export async function pageOfNotices(question: Question<'consents:notices'> & Asked): Promise<Page<Notice>> {
  const { state, actor, input, claimedMs } = question;
  const { patientId } = input;
  await requireSpeaker({ state, patientId, actor, timeMs: claimedMs });
  return listNotices(state, patientId, input);
}
