import { DomainError, type Member, STAFF_ROLES } from '../domain/index.js';

/**
 * Patients and staff ask for records; whether they get them, the grants say. Admins and auditors never do.
 *
 * @throws DomainError ROLE_NOT_ALLOWED
 */
export function requirePatientOrStaff(member: Member): void {
  if (isPatientOrStaff(member)) return;
  throw new DomainError('ROLE_NOT_ALLOWED', `${member.memberId} is ${member.role}, neither patient nor staff`);
}

export function isPatientOrStaff({ role }: Member): boolean {
  return role === 'patient' || STAFF_ROLES.includes(role);
}

/** @throws DomainError ROLE_NOT_ALLOWED */
export function requireStaff({ memberId, role }: Member): void {
  if (!STAFF_ROLES.includes(role)) throw new DomainError('ROLE_NOT_ALLOWED', `${memberId} is ${role}, not staff`);
}

/** @throws DomainError NOT_THE_PATIENT */
export function requireThePatient({ memberId }: Member, patientId: string): void {
  if (memberId !== patientId) throw new DomainError('NOT_THE_PATIENT', `${memberId} is not patient ${patientId}`);
}
