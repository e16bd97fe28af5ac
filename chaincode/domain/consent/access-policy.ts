import type { ErrorCode } from '../errors.js';
import type { AgencyId, DelegationId, EmergencyId, GrantId, MemberId, PatientId, RepresentationId } from '../ids.js';
import { type Action, type Purpose, type Role, STAFF_ROLES } from '../vocabulary.js';
import { type Asked, byPreference, type Candidate, candidatesFor, isUsable } from './candidate.js';
import type { Consents } from './consents.js';
import { decideInEmergency } from './emergency-rule.js';
import { isLive } from './grant.js';
import { reaches } from './reach.js';
import { coversExcluded, type NewRecordFacts, type RecordFacts } from './scope.js';

/** Who asks, as the register has it. */
export interface Actor {
  readonly memberId: MemberId;
  readonly role: Role;
  readonly agencyId?: AgencyId;
  /** Version of the register document that names the member as it is now; patients are in none. */
  readonly registerVersion?: number;
}

export interface AccessRequest {
  readonly actor: Actor;
  readonly patientId: PatientId;
  readonly record: RecordFacts | NewRecordFacts;
  readonly action: Action;
  readonly purpose: Purpose;
  /** Time of the entry that records the decision. */
  readonly atMs: number;
  /** The declared emergency it is asked in, with purpose ETREAT: set by access:emergency, and by nothing else. */
  readonly emergencyId?: EmergencyId;
}

/** By which rule: what a custodian checks again, and what an explanation names. */
export type Basis =
  | { readonly kind: 'own' }
  | { readonly kind: 'grant'; readonly grantId: GrantId; readonly version: number }
  | {
      readonly kind: 'delegation';
      readonly delegationId: DelegationId;
      readonly version: number;
      /** The parent, as it stood. */
      readonly grantId: GrantId;
      readonly grantVersion: number;
    }
  | { readonly kind: 'policy'; readonly version: number }
  | { readonly kind: 'emergency'; readonly emergencyId: EmergencyId; readonly policyVersion: number }
  | { readonly kind: 'representation'; readonly representationId: RepresentationId; readonly version: number };

export type DenyCode = Extract<
  ErrorCode,
  | 'NO_GRANT'
  | 'PURPOSE_NOT_GRANTED'
  | 'GRANT_NOT_STARTED'
  | 'GRANT_ENDED'
  | 'RECORD_UNKNOWN'
  | 'EXCLUDED'
  | 'USES_SPENT'
  | 'NOTICE_MISSING'
  | 'EMERGENCY_NOT_ALLOWED'
  | 'EMERGENCY_ENDED'
  | 'REVIEW_OVERDUE'
>;

export type AccessDecision =
  | { readonly outcome: 'permit'; readonly basis: Basis }
  | { readonly outcome: 'deny'; readonly code: DenyCode };

/**
 * May this actor do this to this record at this time? Nothing given means no.
 *
 * In this order: the patient itself; what excludes the actor, which nothing outweighs; who acts for the patient; the
 * declared emergency, where one is claimed; grants and what delegates passed on of them; the default of the policy.
 * Of several grants an uncounted one is the basis, then the one that lasts longest, then the one with the lowest id.
 *
 * @param consents - of this patient; what concerns others is ignored, so that a superset decides alike
 * @returns a permit with its basis, or the code of the nearest miss
 */
export function decideAccess(request: AccessRequest, consents: Consents): AccessDecision {
  const first = decideByPerson(request, consents);
  if (first !== undefined) return first;
  const inEmergency = decideInEmergency(request, consents);
  if (inEmergency?.outcome === 'permit') return inEmergency;
  const candidates = candidatesFor(request, consents);
  const forPurpose = candidates.filter(({ purposes }) => purposes.includes(request.purpose));
  const [best] = forPurpose.filter((candidate) => isUsable(candidate, request.atMs)).sort(byPreference);
  if (best !== undefined) return { outcome: 'permit', basis: best.basis };
  return inEmergency ?? { outcome: 'deny', code: nearestMiss(candidates, forPurpose, request.atMs) };
}

/**
 * May the actor see that the record exists? Whom some live rule lets open it, for whatever purpose: a declared
 * emergency too.
 */
export function decideListing(asked: Omit<AccessRequest, 'purpose' | 'action'>, consents: Consents): boolean {
  const reading = { ...asked, action: 'read' } as const;
  const first = decideByPerson(reading, consents);
  if (first !== undefined) return first.outcome === 'permit';
  if (candidatesFor(reading, consents).some((candidate) => isUsable(candidate, asked.atMs))) return true;
  return consents.emergencies.some(
    ({ emergencyId }) =>
      decideInEmergency({ ...reading, purpose: 'ETREAT', emergencyId }, consents)?.outcome === 'permit',
  );
}

/**
 * By which right the member acts as the patient at all: as the patient itself, or as its representative.
 *
 * @returns undefined: it does not
 */
export function mayActFor(
  { memberId }: Pick<Actor, 'memberId'>,
  patientId: PatientId,
  { representations }: Pick<Consents, 'representations'>,
  atMs: number,
): Extract<Basis, { kind: 'own' | 'representation' }> | undefined {
  if (memberId === patientId) return { kind: 'own' };
  const [best] = representations
    .filter((given) => given.representative === memberId && isLive(given, atMs))
    .sort((left, right) => right.untilMs - left.untilMs || (left.representationId < right.representationId ? -1 : 1));
  if (best === undefined) return undefined;
  const { representationId, version } = best;
  return { kind: 'representation', representationId, version };
}

/** What is decided by who asks, whatever was given. */
function decideByPerson(asked: Asked, consents: Consents): AccessDecision | undefined {
  const { actor, patientId, record, atMs } = asked;
  if (actor.memberId === patientId) return { outcome: 'permit', basis: { kind: 'own' } };
  const exclusions = consents.policy?.exclusions ?? [];
  if (exclusions.some(({ who, scope }) => reaches(who, actor, consents.groups) && coversExcluded(scope, record)))
    return { outcome: 'deny', code: 'EXCLUDED' };
  // Sharing is passing on, with the own signature: nobody does it in the patient's name.
  const acting = asked.action === 'share' ? undefined : mayActFor(actor, patientId, consents, atMs);
  if (acting !== undefined) return { outcome: 'permit', basis: acting };
  // Admins and auditors open nothing, not even by a grant to their agency.
  const mayHold = actor.role === 'patient' || STAFF_ROLES.includes(actor.role);
  return mayHold ? undefined : { outcome: 'deny', code: 'NO_GRANT' };
}

/** In the order of the registry of errors, but for the purpose: only a rule that still holds can be used with its own. */
function nearestMiss(all: readonly Candidate[], forPurpose: readonly Candidate[], atMs: number): DenyCode {
  if (all.length === 0) return 'NO_GRANT';
  const live = forPurpose.filter((candidate) => isLive(candidate, atMs));
  if (live.some(({ told }) => !told)) return 'NOTICE_MISSING';
  if (live.length > 0) return 'USES_SPENT';
  if (forPurpose.some(({ revoked, fromMs }) => !revoked && atMs < fromMs)) return 'GRANT_NOT_STARTED';
  const otherPurpose = forPurpose.length === 0 && all.some((candidate) => isLive(candidate, atMs));
  return otherPurpose ? 'PURPOSE_NOT_GRANTED' : 'GRANT_ENDED';
}
