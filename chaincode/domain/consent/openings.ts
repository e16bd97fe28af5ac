import type { GrantId } from '../ids.js';
import { type AccessDecision, type AccessRequest, type Basis, decideAccess } from './access-policy.js';
import type { Consents } from './consents.js';
import type { RecordFacts } from './scope.js';

/** Openings under grants that count them, to be added to what was used before. */
export type Spent = Readonly<Partial<Record<GrantId, number>>>;

/**
 * Decides the records of one call in their order: each permit under a counted grant leaves one use less to the next.
 *
 * @param records - undefined where the patient has no such record
 * @returns one decision per record, and what the permits spend: written with the decisions, or not at all
 */
export function decideOpenings(
  common: Omit<AccessRequest, 'record'>,
  records: readonly (RecordFacts | undefined)[],
  consents: Consents,
): { readonly decisions: readonly AccessDecision[]; readonly spent: Spent } {
  const spent: Partial<Record<GrantId, number>> = {};
  const used: Partial<Record<GrantId, number>> = { ...consents.used };
  const decisions = records.map((record): AccessDecision => {
    if (record === undefined) return { outcome: 'deny', code: 'RECORD_UNKNOWN' };
    const decision = decideAccess({ ...common, record }, { ...consents, used });
    const isOpened = decision.outcome === 'permit' && common.action === 'read';
    const grantId = isOpened ? countedGrant(decision.basis, consents) : undefined;
    if (grantId !== undefined) {
      spent[grantId] = (spent[grantId] ?? 0) + 1;
      used[grantId] = (used[grantId] ?? 0) + 1;
    }
    return decision;
  });
  return { decisions, spent };
}

/** The grant whose uses an opening on this basis spends: its own, or the parent of what was passed on. */
export function countedGrant(basis: Basis, { grants }: Pick<Consents, 'grants'>): GrantId | undefined {
  if (basis.kind !== 'grant' && basis.kind !== 'delegation') return undefined;
  const { grantId } = basis;
  return grants.some((grant) => grant.grantId === grantId && grant.uses !== undefined) ? grantId : undefined;
}
