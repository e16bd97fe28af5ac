import { type Consents, consentsOf, type PatientId } from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';

/** Everything the patient has said: for the patient and who represents it. */
export async function allConsents(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  patientId: PatientId,
): Promise<Consents> {
  return consentsOf(await chain.query(identity, 'consents:all', { patientId }));
}

/** What of it can concern the caller. */
export async function ownConsents(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  patientId: PatientId,
): Promise<Consents> {
  return consentsOf(await chain.query(identity, 'consents:mine', { patientId }));
}
