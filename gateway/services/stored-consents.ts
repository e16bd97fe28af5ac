import { type Consents, type ConsentsAnswer, consentsOf, type PatientId } from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import type { QueryOptions } from '../ledger/chain-queries.js';
import { LedgerFailure } from '../ledger/ledger-failure.js';

/** Everything the patient has said: for the patient and who represents it. */
export async function allConsents(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  patientId: PatientId,
  options: QueryOptions<ConsentsAnswer> = {},
): Promise<Consents> {
  return consentsOf(await chain.query(identity, 'consents:all', { patientId }, options));
}

/** What of it can concern the caller. */
export async function ownConsents(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  patientId: PatientId,
): Promise<Consents> {
  return consentsOf(await chain.query(identity, 'consents:mine', { patientId }));
}

/** As much of it as the caller may know. */
export async function consentsFor(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  patientId: PatientId,
): Promise<Consents> {
  try {
    return await allConsents(chain, identity, patientId, { asItStands: true });
  } catch (error) {
    if (error instanceof LedgerFailure && error.code === 'NOT_THE_PATIENT')
      return ownConsents(chain, identity, patientId);
    throw error;
  }
}
