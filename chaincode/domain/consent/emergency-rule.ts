import { DomainError } from '../errors.js';
import type { AgencyId, MemberId } from '../ids.js';
import { EMERGENCY_DURATION_MAX_MS, EMERGENCY_SKEW_MAX_MS, OPEN_EMERGENCIES_MAX } from '../limits.js';
import type { Role } from '../vocabulary.js';
import type { AccessDecision, AccessRequest, Actor, DenyCode } from './access-policy.js';
import type { Consents } from './consents.js';
import type { Emergency, EmergencyBody, OpenEmergency } from './emergency.js';
import { reaches } from './reach.js';
import type { Exclusion } from './policy.js';

/** Who treats: nobody else reads without consent. */
const EMERGENCY_ROLES: readonly Role[] = ['doctor', 'nurse'];
const REVIEWING_AGENCY_ROLES: readonly Role[] = ['doctor', 'nurse', 'admin'];
const REVIEWING_ROLES: readonly Role[] = ['government', 'auditor'];

/**
 * What a declared emergency opens: to who declared it, while it lasts, what the patient's ceiling allows. Exclusions
 * are decided before.
 *
 * @returns undefined where no emergency is claimed
 */
export function decideInEmergency(request: AccessRequest, consents: Consents): AccessDecision | undefined {
  if (request.emergencyId === undefined) return undefined;
  const { emergencyId, atMs, record } = request;
  const { policy } = consents;
  const emergency = consents.emergencies.find((declared) => declared.emergencyId === emergencyId);
  if (policy === undefined || emergency === undefined || !isEmergencyOf(emergency, request))
    return { outcome: 'deny', code: 'EMERGENCY_NOT_ALLOWED' };
  if (!isEmergencyLive(emergency, atMs)) return { outcome: 'deny', code: 'EMERGENCY_ENDED' };
  const { allowed, labels, excludedClasses } = policy.emergency;
  if (!allowed || !labels.includes(record.label) || excludedClasses.includes(record.class))
    return { outcome: 'deny', code: 'EMERGENCY_NOT_ALLOWED' };
  return { outcome: 'permit', basis: { kind: 'emergency', emergencyId, policyVersion: policy.version } };
}

function isEmergencyOf({ actorId, patientId, fromMs, untilMs }: Emergency, request: AccessRequest): boolean {
  const { actor, action, purpose } = request;
  return (
    actorId === actor.memberId &&
    patientId === request.patientId &&
    EMERGENCY_ROLES.includes(actor.role) &&
    action === 'read' &&
    purpose === 'ETREAT' &&
    untilMs - fromMs <= EMERGENCY_DURATION_MAX_MS
  );
}

/** From `fromMs`, less what two clocks may differ by, until before `untilMs`. */
export function isEmergencyLive({ fromMs, untilMs }: EmergencyBody, atMs: number): boolean {
  return fromMs - EMERGENCY_SKEW_MAX_MS <= atMs && atMs < untilMs;
}

/**
 * Whether a new emergency may begin at all; each record is then decided for itself.
 *
 * @param declared.open - emergencies of this actor, of any patient, that nobody has reviewed yet
 * @returns the refusal to write, or undefined
 */
export function declarationRefusal(
  declared: { readonly actor: Actor; readonly open: readonly OpenEmergency[]; readonly atMs: number },
  consents: Consents,
): DenyCode | undefined {
  const { actor, open, atMs } = declared;
  const { policy, groups } = consents;
  const isKeptOut = ({ who, scope }: Exclusion) => isEverything(scope) && reaches(who, actor, groups);
  if (policy?.exclusions.some(isKeptOut) === true) return 'EXCLUDED';
  if (policy?.emergency.allowed !== true || !EMERGENCY_ROLES.includes(actor.role)) return 'EMERGENCY_NOT_ALLOWED';
  const isOverdue = open.length >= OPEN_EMERGENCIES_MAX || open.some(({ reviewDueMs }) => reviewDueMs <= atMs);
  return isOverdue ? 'REVIEW_OVERDUE' : undefined;
}

function isEverything(scope: Exclusion['scope']): boolean {
  return Object.values(scope).every((dimension) => dimension === undefined);
}

/**
 * The times of a declaration: it begins now, and ends within EMERGENCY_DURATION_MAX_MS.
 *
 * @param atMs - time of the entry that would store it
 * @throws DomainError INPUT_INVALID
 */
export function requireDeclaration({ fromMs, untilMs }: EmergencyBody, atMs: number): void {
  if (Math.abs(fromMs - atMs) > EMERGENCY_SKEW_MAX_MS)
    throw new DomainError('INPUT_INVALID', '/declaration/fromMs must be now: declare it when you read');
  if (untilMs - fromMs > EMERGENCY_DURATION_MAX_MS)
    throw new DomainError('INPUT_INVALID', '/declaration/untilMs must lie within four hours of fromMs');
  if (untilMs <= atMs) throw new DomainError('INPUT_INVALID', '/declaration/untilMs must lie in the future');
}

/**
 * A second person: of the agency from which it was declared, or of those who watch over all; never who declared it.
 * That an emergency is reviewed once, the one who stores the review sees.
 */
export function mayReview(
  reviewer: Actor,
  declared: { readonly actorId: MemberId; readonly agencyId?: AgencyId },
): boolean {
  const { memberId, role, agencyId } = reviewer;
  if (memberId === declared.actorId) return false;
  if (REVIEWING_ROLES.includes(role)) return true;
  return agencyId !== undefined && agencyId === declared.agencyId && REVIEWING_AGENCY_ROLES.includes(role);
}
