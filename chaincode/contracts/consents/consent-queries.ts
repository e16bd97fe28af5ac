import {
  type AccessRequestAnswer,
  DomainError,
  type EvidenceAnswer,
  type GrantAnswer,
  type GrantLocation,
  type Member,
  type Page,
} from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import { listGrants, readGrant, readGrantOwner, storedOf } from '../../state/grant-store.js';
import { readMember, readRegisterDocument } from '../../state/register-store.js';
import { listRequestsOf, listRequestsTo, readRequest, readRequestOwner } from '../../state/request-store.js';
import { requirePatientOrStaff, requireThePatient } from '../acting-roles.js';

interface Asked {
  readonly actor: Member;
}

export async function pageOfGrants(question: Question<'consents:grants'> & Asked): Promise<Page<GrantAnswer>> {
  const { state, actor, input } = question;
  requireThePatient(actor, input.patientId);
  return listGrants(state, input.patientId, input);
}

/** With a patient: what that patient was asked. Without: what the caller was asked, or has asked. */
export async function pageOfRequests(
  question: Question<'consents:requests'> & Asked,
): Promise<Page<AccessRequestAnswer>> {
  const { state, actor, input } = question;
  requirePatientOrStaff(actor);
  if (input.patientId === undefined && actor.role !== 'patient') return listRequestsOf(state, actor.memberId, input);
  const patientId = input.patientId ?? actor.memberId;
  requireThePatient(actor, patientId);
  return listRequestsTo(state, patientId, input);
}

/** For the two whom it concerns. */
export async function findRequest(question: Question<'consents:accessRequest'> & Asked): Promise<AccessRequestAnswer> {
  const { state, actor, input } = question;
  const { requestId } = input;
  const patientId = await readRequestOwner(state, requestId);
  const request = patientId === undefined ? undefined : await readRequest(state, patientId, requestId);
  if (request === undefined) throw new DomainError('REQUEST_UNKNOWN', `no request ${requestId}`);
  if (request.requesterId !== actor.memberId) requireThePatient(actor, request.patientId);
  return request;
}

export async function locateGrant({ state, input }: Question<'consents:locateGrant'> & Asked): Promise<GrantLocation> {
  const { grantId } = input;
  const patientId = await readGrantOwner(state, grantId);
  if (patientId === undefined) throw new DomainError('GRANT_UNKNOWN', `no grant ${grantId}`);
  return { grantId, patientId };
}

/** What a custodian checks a permit against: statements and documents with their signatures, as this peer holds them. */
export async function gatherEvidence(question: Question<'consents:evidence'>): Promise<EvidenceAnswer> {
  const { state, input, claimedMs } = question;
  const { patientId, memberId } = input;
  const patient = await readMember(state, patientId);
  const actor = await readMember(state, memberId);
  const digest = actor?.registerDigest;
  const register = digest === undefined ? undefined : await readRegisterDocument(state, digest);
  const grants: EvidenceAnswer['grants'][number][] = [];
  for (const grantId of input.grantIds) {
    const row = await readGrant(state, patientId, grantId);
    if (row === undefined) grants.push({ grantId });
    else grants.push({ grantId, stored: storedOf(row) });
  }
  return {
    ...(patient === undefined ? {} : { patient }),
    ...(actor === undefined ? {} : { actor }),
    ...(register === undefined ? {} : { register }),
    grants,
    timeMs: claimedMs,
  };
}
