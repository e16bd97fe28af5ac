import type { Actor } from './access-policy.js';
import type { CareGroup } from './care-group.js';
import type { Grantee } from './grantee.js';

/** Whether this is given to, or kept from, the actor: by name, by a group of the patient's, by agency or by role. */
export function reaches(to: Grantee, actor: Actor, groups: readonly CareGroup[]): boolean {
  switch (to.kind) {
    case 'person':
    case 'delegate':
      return to.id === actor.memberId;
    case 'group':
      return groups.some(({ groupId, members }) => groupId === to.id && members.includes(actor.memberId));
    case 'agency':
      return to.id === actor.agencyId;
    case 'role':
      return to.id === actor.role && (to.agencyId === undefined || to.agencyId === actor.agencyId);
  }
}

/** Groups whose members somebody else than the patient chooses. */
export function isTrustedGroup({ kind }: Grantee): boolean {
  return kind === 'agency' || kind === 'role';
}

/**
 * Whether the patient knew of this member when it trusted the group, or was told on the chain since. Who stands in no
 * register document is in no such group.
 *
 * @param seenVersion - register that the patient saw; undefined counts as none
 * @param noticed - by member: register version of the membership that the patient was told of
 */
export function isTold(
  actor: Actor,
  seenVersion: number | undefined,
  noticed: Readonly<Record<string, number>>,
): boolean {
  const { memberId, registerVersion } = actor;
  if (registerVersion === undefined) return false;
  const toldVersion = Object.hasOwn(noticed, memberId) ? (noticed[memberId] ?? 0) : 0;
  return registerVersion <= Math.max(seenVersion ?? 0, toldVersion);
}
