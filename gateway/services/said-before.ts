import { memberId, type Outcome, parseOutcome, type PatientId } from '@medledger/chaincode/domain';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';
import { LedgerFailure } from '../ledger/ledger-failure.js';

/** How far back in the caller's own lane a repeated call is looked for: a client repeats soon or not at all. */
const ENTRIES_LOOKED_AT_MAX = 32;

/** What the repetition of a call meets when its first try was committed. */
const REPEATED_CODES: ReadonlySet<string> = new Set(['VERSION_CONFLICT', 'REQUEST_CLOSED', 'GRANT_REVOKED']);

/** Who no longer speaks for the patient may not read what was done about it, not even what it did itself. */
const UNREADABLE_CODES: ReadonlySet<string> = new Set(['ROLE_NOT_ALLOWED', 'LOG_READING_NOT_LOGGED']);

export interface SaidBefore {
  readonly patientId: PatientId;
  /** Whether an entry did what the call asks for. */
  readonly isIt: (outcome: Outcome) => boolean;
}

/**
 * The newest entry by which the caller itself said the same before: its reply may have been lost. Somebody else's entry
 * never counts.
 *
 * @returns its transaction; undefined where there is none, or the caller may not read what was done about the patient
 */
export async function saidBefore(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  said: SaidBefore,
): Promise<string | undefined> {
  try {
    return await newestOf(chain, identity, said);
  } catch (error) {
    if (error instanceof LedgerFailure && UNREADABLE_CODES.has(error.code)) return undefined;
    throw error;
  }
}

async function newestOf(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  { patientId, isIt }: SaidBefore,
): Promise<string | undefined> {
  const { head } = await chain.query(identity, 'audit:head', { patientId });
  const last = head.sequence - 1;
  const caller = memberId(identity.memberId, '/memberId');
  for (let sequence = last; sequence >= 0 && sequence > last - ENTRIES_LOOKED_AT_MAX; sequence -= 1) {
    const entry = await chain.query(identity, 'audit:entry', { patientId, memberId: caller, sequence });
    const outcome = parseOutcome(entry.outcome);
    if (outcome.outcome === 'permit' && isIt(outcome)) return entry.txId;
  }
  return undefined;
}

/** Submits, or finds that the first try of the same call was committed. */
export async function submitOnce(
  chain: LedgerChain,
  identity: UnlockedIdentity,
  { submit, ...said }: SaidBefore & { readonly submit: () => Promise<{ transactionId: string }> },
): Promise<{ transactionId: string }> {
  try {
    const { transactionId } = await submit();
    return { transactionId };
  } catch (error) {
    const isRepeated = error instanceof Error && 'code' in error && REPEATED_CODES.has(String(error.code));
    const transactionId = isRepeated ? await saidBefore(chain, identity, said) : undefined;
    if (transactionId === undefined) throw error;
    return { transactionId };
  }
}
