import type { UnlockedIdentity } from '../identity/member-keys.js';
import { MedledgerError } from '../medledger-error.js';
import type { Caller } from './medledger.js';

/** Finds the unlocked keys of a caller's session. */
export type KeysOf = (caller: Caller) => UnlockedIdentity;

/** @throws MedledgerError NOT_THE_PATIENT unless the caller is the patient */
export function requirePatient(caller: Caller, patientId: string): void {
  if (caller.role !== 'patient' || caller.memberId !== patientId) throw new MedledgerError('NOT_THE_PATIENT');
}

/** @throws MedledgerError ROLE_NOT_ALLOWED unless the caller has one of the roles */
export function requireRole(caller: Caller, roles: readonly string[]): void {
  if (!roles.includes(caller.role)) throw new MedledgerError('ROLE_NOT_ALLOWED');
}
