import { DomainError, limits, type PatientId, type StoredStatement } from '../../domain/index.js';
import { type ManyKind, readStatementIds, statementIdsWrite } from '../../state/statement-store.js';
import type { WorldState, Write } from '../../state/world-state.js';

/**
 * Room for one more statement of a kind. Those that are over are forgotten only when there is no room left.
 *
 * @param stored.isOver - of one that can never come to life again
 * @throws DomainError TOO_MANY_GRANTS
 */
export async function requireRoom<Id extends string>(
  state: WorldState,
  place: { readonly patientId: PatientId; readonly kind: ManyKind; readonly id: Id },
  stored: { read(id: Id): Promise<StoredStatement | undefined>; isOver(row: StoredStatement): boolean },
): Promise<Write> {
  const { patientId, kind, id } = place;
  const ids = await readStatementIds<Id>(state, patientId, kind);
  if (ids.length < limits.CONSENT_ITEMS_MAX) return statementIdsWrite(patientId, kind, [...ids, id]);
  const kept: Id[] = [];
  for (const other of ids) {
    const row = await stored.read(other);
    if (row !== undefined && !stored.isOver(row)) kept.push(other);
  }
  if (kept.length >= limits.CONSENT_ITEMS_MAX)
    throw new DomainError('TOO_MANY_GRANTS', `patient ${patientId} has ${kept.length} statements of kind ${kind}`);
  return statementIdsWrite(patientId, kind, [...kept, id]);
}
