import {
  decideAccess,
  type GrantId,
  type ItemOutcome,
  type LaneEntry,
  type Outcome,
  parseOutcome,
  placeOf,
  type Purpose,
} from '@medledger/chaincode/domain';
import type { StateView } from './peer-state.js';
import { grantKey } from './state-keys.js';
import { type GrantRow, parseGrantRow, readMember, readRecordSet, statedGrant } from './stored-values.js';
import type { IndexedTransaction, TransactionIndex } from './transaction-index.js';

export interface OutcomeCase {
  readonly state: StateView;
  readonly index: TransactionIndex;
  readonly entry: LaneEntry;
}

/**
 * Judges again what an entry permitted: by an own record, or by a grant that was there, covered the record, and was
 * not revoked before.
 *
 * @returns what is wrong, one sentence for each
 */
export function judgeOutcome(given: OutcomeCase): readonly string[] {
  const outcome = readOutcome(given.entry.outcome);
  if (outcome === undefined) return ['its outcome is no JSON'];
  const items = (outcome.items ?? []).flatMap((item) => faultOfItem(given, outcome, item) ?? []);
  const whole = outcome.basis === undefined ? undefined : faultOfBasis(given, outcome.basis);
  return whole === undefined ? items : [whole, ...items];
}

type PermittedItem = Extract<ItemOutcome, { outcome: 'permit' }>;

function readOutcome(text: string): Outcome | undefined {
  try {
    return parseOutcome(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function faultOfItem(given: OutcomeCase, outcome: Outcome, item: ItemOutcome): string | undefined {
  if (item.outcome !== 'permit') return undefined;
  const reason = faultOfBasis(given, item.basis) ?? faultOfCover(given, outcome.purpose, item);
  return reason === undefined ? undefined : `record ${item.recordId} was permitted, but ${reason}`;
}

/** The grant was there, signed for this patient, and not yet taken back. */
function faultOfBasis({ state, index, entry }: OutcomeCase, basis: PermittedItem['basis']): string | undefined {
  if (basis.kind === 'own')
    return entry.memberId === entry.patientId ? undefined : 'the actor is not the patient whose own record it is';
  const row = parseGrantRow(state.read(grantKey(entry.patientId, basis.grantId)));
  if (row === undefined) return `there is no readable grant ${basis.grantId} of this patient`;
  const changed = index.get(row.txId);
  const opened = index.get(entry.txId);
  if (changed === undefined || opened === undefined) return undefined;
  const grantIsEarlier = isBefore(changed, opened);
  if (row.revocation === undefined)
    return grantIsEarlier ? undefined : `grant ${basis.grantId} was given only afterwards`;
  return grantIsEarlier ? `grant ${basis.grantId} had been revoked before` : undefined;
}

/** The grant covers actor, record, purpose and time. */
function faultOfCover(
  { state, entry }: OutcomeCase,
  purpose: Purpose | undefined,
  { basis, recordId }: PermittedItem,
): string | undefined {
  const { setId, index } = placeOf(recordId);
  const set = readRecordSet(state, setId);
  const record = set?.records[index];
  if (set === undefined || record === undefined) return 'there is no readable record with this id';
  if (set.patientId !== entry.patientId) return `it is a record of patient ${set.patientId}`;
  if (basis.kind === 'own') return undefined;
  const row = parseGrantRow(state.read(grantKey(entry.patientId, basis.grantId)));
  const grant = row === undefined ? undefined : statedGrant(asGiven(row));
  const actor = readMember(state, entry.memberId);
  if (grant === undefined || actor === undefined || purpose === undefined) return 'actor, grant or purpose is unknown';
  const { patientId, timeMs: atMs } = entry;
  const facts = { ...record, recordId };
  const decision = decideAccess({ actor, patientId, record: facts, action: 'read', purpose, atMs }, [grant]);
  return decision.outcome === 'permit' ? undefined : `grant ${basis.grantId} does not carry it (${decision.code})`;
}

/** As it stood before a revocation. */
function asGiven({ grant, txId }: GrantRow): GrantRow {
  return { grant, txId };
}

function isBefore(left: IndexedTransaction, right: IndexedTransaction): boolean {
  return left.blockNumber === right.blockNumber ? left.index < right.index : left.blockNumber < right.blockNumber;
}

/** Records that an opening permitted, by id, with the grant that carried each. */
export function permittedRecords(entry: LaneEntry): ReadonlyMap<string, GrantId | undefined> {
  const permitted = (readOutcome(entry.outcome)?.items ?? []).flatMap((item): [string, GrantId | undefined][] =>
    item.outcome === 'permit' ? [[item.recordId, item.basis.kind === 'grant' ? item.basis.grantId : undefined]] : [],
  );
  return new Map(permitted);
}
