import { agencyId, type AgencyId, type GroupId, groupId, type MemberId, memberId } from '../ids.js';
import { object, oneOf, optional, type Parse } from '../shape.js';
import { STAFF_ROLES, type Role } from '../vocabulary.js';

/** Whose members somebody else chooses: who joins later gains nothing before the patient was told on the chain. */
export type TrustedGroup =
  | { readonly kind: 'agency'; readonly id: AgencyId }
  /** Everybody with this role; with an agency, everybody with this role there. */
  | { readonly kind: 'role'; readonly id: Role; readonly agencyId?: AgencyId };

/** To whom a patient gives. A delegate is a person who may pass on, once, what it was given. */
export type Grantee =
  | { readonly kind: 'person' | 'delegate'; readonly id: MemberId }
  | { readonly kind: 'group'; readonly id: GroupId }
  | TrustedGroup;

export const GRANTEE_KINDS = ['person', 'delegate', 'agency', 'role', 'group'] as const;
const granteeKind = oneOf(GRANTEE_KINDS);
const staffRole: Parse<Role> = oneOf(STAFF_ROLES);

const kindOnly = (value: unknown, pointer: string) =>
  granteeKind((value as { kind?: unknown } | null)?.kind, `${pointer}/kind`);

/** One of `GRANTEE_KINDS`, each with the id that fits it. */
export const grantee: Parse<Grantee> = (value, pointer) => {
  const kind = kindOnly(value, pointer);
  if (kind === 'agency') return object({ kind: oneOf(['agency']), id: agencyId })(value, pointer);
  if (kind === 'group') return object({ kind: oneOf(['group']), id: groupId })(value, pointer);
  if (kind === 'role')
    return object({ kind: oneOf(['role']), id: staffRole, agencyId: optional(agencyId) })(value, pointer);
  return object({ kind: oneOf(['person', 'delegate']), id: memberId })(value, pointer);
};

/** Places a grantee among a patient's grants: equal for equal grantees, and no two grantees share one. */
export function granteePlace(to: Grantee): string {
  if (to.kind !== 'role') return `${to.kind === 'delegate' ? 'person' : to.kind}~${to.id}`;
  return `role~${to.id}~${to.agencyId ?? '-'}`;
}
