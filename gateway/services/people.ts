import { memberId } from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { MedledgerError } from '../medledger-error.js';
import type { Caller } from './medledger.js';

/** Finds the unlocked keys of a caller's session. */
export type KeysOf = (caller: Caller) => UnlockedIdentity;

/**
 * The patient, or who represents the patient now: the chain says.
 *
 * @throws MedledgerError NOT_THE_PATIENT
 */
export async function requirePatientSide(
  { chain, keysOf }: { chain: LedgerChain; keysOf: KeysOf },
  caller: Caller,
  given: string,
): Promise<void> {
  if (caller.memberId === given) return;
  const patientId = memberId(given, '/patientId');
  // Notices are shown to these two alone.
  await chain.query(keysOf(caller), 'consents:notices', { patientId, limit: 1 });
}

/** @throws MedledgerError ROLE_NOT_ALLOWED unless the caller has one of the roles */
export function requireRole(caller: Caller, roles: readonly string[]): void {
  if (!roles.includes(caller.role)) throw new MedledgerError('ROLE_NOT_ALLOWED');
}
