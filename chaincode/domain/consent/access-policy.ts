import type { ErrorCode } from '../errors.js';
import type { AgencyId, DelegationId, EmergencyId, GrantId, MemberId, PatientId, RepresentationId } from '../ids.js';
import type { Action, Purpose, Role } from '../vocabulary.js';
import type { Grant } from './grant.js';
import { covers, type NewRecordFacts, type RecordFacts } from './scope.js';

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
 * Of several live grants the one that lasts longest is the basis, and of equals the one with the lowest id.
 *
 * @param grants - of this patient to this actor or its agency; others are ignored, not trusted to be absent
 * @returns a permit with its basis, or the code of the nearest miss
 */
export function decideAccess(request: AccessRequest, grants: readonly Grant[]): AccessDecision {
  if (request.actor.memberId === request.patientId) return { outcome: 'permit', basis: { kind: 'own' } };
  const covering = grants.filter((grant) => isAbout(grant, request));
  const forPurpose = covering.filter((grant) => grant.purpose === request.purpose);
  const live = forPurpose.filter((grant) => isLive(grant, request.atMs)).sort(byLastingLongest)[0];
  if (live !== undefined)
    return { outcome: 'permit', basis: { kind: 'grant', grantId: live.grantId, version: live.version } };
  return { outcome: 'deny', code: nearestMiss(covering, forPurpose, request.atMs) };
}

/** May the actor see that the record exists? Whom some live grant lets open it, for whatever purpose. */
export function decideListing(request: Omit<AccessRequest, 'purpose' | 'action'>, grants: readonly Grant[]): boolean {
  if (request.actor.memberId === request.patientId) return true;
  return grants.some((grant) => isLive(grant, request.atMs) && isAbout(grant, { ...request, action: 'read' }));
}

/** Not revoked, begun, not ended; the end itself no longer counts. */
export function isLive(grant: Grant, atMs: number): boolean {
  return !grant.revoked && grant.fromMs <= atMs && atMs < grant.untilMs;
}

function isAbout(grant: Grant, request: Omit<AccessRequest, 'purpose'>): boolean {
  const { actor } = request;
  const named =
    grant.grantee.kind === 'person' ? grant.grantee.id === actor.memberId : grant.grantee.id === actor.agencyId;
  return (
    named &&
    grant.patientId === request.patientId &&
    grant.actions.includes(request.action) &&
    covers(grant.scope, request.record)
  );
}

function byLastingLongest(left: Grant, right: Grant): number {
  return right.untilMs - left.untilMs || (left.grantId < right.grantId ? -1 : 1);
}

function nearestMiss(covering: readonly Grant[], forPurpose: readonly Grant[], atMs: number): DenyCode {
  if (covering.length === 0) return 'NO_GRANT';
  if (forPurpose.some((grant) => !grant.revoked && atMs < grant.fromMs)) return 'GRANT_NOT_STARTED';
  // Only a grant that still holds can be used with its own purpose.
  const otherPurpose = forPurpose.length === 0 && covering.some((grant) => isLive(grant, atMs));
  return otherPurpose ? 'PURPOSE_NOT_GRANTED' : 'GRANT_ENDED';
}
