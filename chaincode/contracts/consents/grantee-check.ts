import { DomainError, type Grantee, type PatientId } from '../../domain/index.js';
import { readAgency, readMember, readRegister } from '../../state/register-store.js';
import { readGroup } from '../../state/statement-store.js';
import type { WorldState } from '../../state/world-state.js';
import { isPatientOrStaff } from '../acting-roles.js';

/**
 * Whom `access:open` would turn away whatever it holds takes no grant: a permit that never works is a false promise.
 *
 * @throws DomainError MEMBER_UNKNOWN, GROUP_UNKNOWN
 */
export async function requireGrantee(state: WorldState, grantee: Grantee, patientId: PatientId): Promise<void> {
  if (grantee.kind === 'group') return requireGroup(state, patientId, grantee);
  if (await takesGrants(state, grantee, patientId)) return;
  throw new DomainError('MEMBER_UNKNOWN', `the register has no ${grantee.kind} ${grantee.id} that takes grants`);
}

async function requireGroup(
  state: WorldState,
  patientId: PatientId,
  { id }: Extract<Grantee, { kind: 'group' }>,
): Promise<void> {
  if ((await readGroup(state, patientId, id)) === undefined)
    throw new DomainError('GROUP_UNKNOWN', `patient ${patientId} has no group ${id}`);
}

async function takesGrants(
  state: WorldState,
  grantee: Exclude<Grantee, { kind: 'group' }>,
  patientId: PatientId,
): Promise<boolean> {
  if (grantee.kind === 'agency') return (await readAgency(state, grantee.id)) !== undefined;
  // The shape of a grantee admits only roles of staff.
  if (grantee.kind === 'role')
    return grantee.agencyId === undefined || (await readAgency(state, grantee.agencyId)) !== undefined;
  const member = await readMember(state, grantee.id);
  return member !== undefined && isPatientOrStaff(member) && member.memberId !== patientId;
}

/**
 * The patient cannot have seen a register that is not there yet; a version beyond it would let everybody in who joins.
 *
 * @param seenVersion - of a trusted group; undefined where none is trusted
 * @throws DomainError INPUT_INVALID
 */
export async function requireSeenRegister(state: WorldState, seenVersion: number | undefined): Promise<void> {
  if (seenVersion === undefined) return;
  const version = (await readRegister(state))?.version ?? 0;
  if (seenVersion > version)
    throw new DomainError('INPUT_INVALID', `/registerVersion is ${seenVersion}, the register is at ${version}`);
}
