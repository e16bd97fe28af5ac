import { canonicalJson } from '../canonical-json.js';
import { DomainError } from '../errors.js';
import type { Actor } from './access-policy.js';
import type { CareGroupBody } from './care-group.js';
import type { Consents } from './consents.js';
import type { PolicyBody } from './policy.js';
import { reaches } from './reach.js';

/**
 * A representative sets the patient's policy, but what keeps the representative itself out stays: only the patient
 * takes that back.
 *
 * @throws DomainError NOT_THE_PATIENT
 */
export function requireOwnExclusionsKept(
  actor: Actor,
  next: PolicyBody,
  { policy, groups }: Pick<Consents, 'policy' | 'groups'>,
): void {
  const kept = new Set(next.exclusions.map((exclusion) => canonicalJson(exclusion)));
  const lost = (policy?.exclusions ?? []).find(
    (exclusion) => reaches(exclusion.who, actor, groups) && !kept.has(canonicalJson(exclusion)),
  );
  if (lost !== undefined)
    throw new DomainError('NOT_THE_PATIENT', `only the patient ends an exclusion that names ${actor.memberId}`);
}

/**
 * Nor does it leave a group that it was put into: groups may be excluded.
 *
 * @throws DomainError NOT_THE_PATIENT
 */
export function requireOwnMembershipKept(actor: Actor, next: CareGroupBody, stored: CareGroupBody | undefined): void {
  const isLeft = stored?.members.includes(actor.memberId) === true && !next.members.includes(actor.memberId);
  if (isLeft) throw new DomainError('NOT_THE_PATIENT', `only the patient takes ${actor.memberId} out of a group`);
}
