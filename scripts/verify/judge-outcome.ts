import {
  type Basis,
  covers,
  type Grant,
  type GrantId,
  isLive,
  type ItemOutcome,
  type LaneEntry,
  type Outcome,
  parseOutcome,
  placeOf,
  POLICY_ID,
  type Purpose,
  type RecordFacts,
} from '@medledger/chaincode/domain';
import type { StateView } from './peer-state.js';
import { DELEGATION_PREFIX, EMERGENCY_PREFIX, grantKey, POLICY_PREFIX, REPRESENTATION_PREFIX } from './state-keys.js';
import { type GrantRow, parseGrantRow, readMember, readRecordSet, statedGrant } from './stored-values.js';
import type { IndexedTransaction, TransactionIndex } from './transaction-index.js';

export interface OutcomeCase {
  readonly state: StateView;
  readonly index: TransactionIndex;
  readonly entry: LaneEntry;
}

/**
 * Judges again what an entry permitted, as far as the live state tells: by an own record, or by something that is
 * there, covers the record, and was not taken back before. `--decisions` decides all of it again as of its block.
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
type GivenBasis = Extract<Basis, { grantId: GrantId }>;

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

/** What the permit rests on is there, and was not yet taken back. */
function faultOfBasis(given: OutcomeCase, basis: Basis): string | undefined {
  const { state, entry } = given;
  if (basis.kind === 'own')
    return entry.memberId === entry.patientId ? undefined : 'the actor is not the patient whose own record it is';
  const key = keyOfBasis(entry.patientId, basis);
  if (key !== undefined && typeof state.read(key) !== 'string') return `nothing readable lies under ${key}`;
  return 'grantId' in basis ? faultOfGrant(given, basis) : undefined;
}

/** Of what a permit rests on beside a grant. */
function keyOfBasis(patientId: string, basis: Exclude<Basis, { kind: 'own' }>): string | undefined {
  switch (basis.kind) {
    case 'policy':
      return `${POLICY_PREFIX}${patientId}`;
    case 'delegation':
      return `${DELEGATION_PREFIX}${patientId}~${basis.delegationId}`;
    case 'representation':
      return `${REPRESENTATION_PREFIX}${patientId}~${basis.representationId}`;
    case 'emergency':
      return `${EMERGENCY_PREFIX}${patientId}~${basis.emergencyId}`;
    case 'grant':
      return undefined;
  }
}

/** The grant, or the parent of what was passed on, was given before and not taken back before. */
function faultOfGrant({ state, index, entry }: OutcomeCase, { grantId }: GivenBasis): string | undefined {
  const row = parseGrantRow(state.read(grantKey(entry.patientId, grantId)));
  if (row === undefined) return `there is no readable grant ${grantId} of this patient`;
  const changed = index.get(row.txId);
  const opened = index.get(entry.txId);
  if (changed === undefined || opened === undefined) return undefined;
  const grantIsEarlier = isBefore(changed, opened);
  if (row.revocation !== undefined) return grantIsEarlier ? `grant ${grantId} had been revoked before` : undefined;
  // A later version says nothing of when the first one was given.
  const isFirst = statedGrant(row)?.version === 1;
  return grantIsEarlier || !isFirst ? undefined : `grant ${grantId} was given only afterwards`;
}

/** The record is this patient's, and the grant, where it stands as it did, covers record, purpose and time. */
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
  return 'grantId' in basis
    ? faultOfCarrying({ state, entry }, { basis, purpose }, { ...record, recordId })
    : undefined;
}

/** A grant that was altered since says nothing of how it stood. */
function faultOfCarrying(
  { state, entry }: Pick<OutcomeCase, 'state' | 'entry'>,
  { basis, purpose }: { basis: GivenBasis; purpose: Purpose | undefined },
  record: RecordFacts,
): string | undefined {
  const row = parseGrantRow(state.read(grantKey(entry.patientId, basis.grantId)));
  const grant = row === undefined ? undefined : statedGrant(asGiven(row));
  const actor = readMember(state, entry.memberId);
  if (grant === undefined || actor === undefined) return 'actor or grant is unknown';
  const committedVersion = basis.kind === 'grant' ? basis.version : basis.grantVersion;
  if (grant.version !== committedVersion) return undefined;
  const carries =
    grant.actions.includes('read') &&
    grant.purpose === purpose &&
    covers(grant.scope, record) &&
    isLive(grant, entry.timeMs) &&
    (basis.kind === 'delegation' || namesActor(grant, actor));
  return carries ? undefined : `grant ${basis.grantId} does not carry it`;
}

/** Who was in a care group at the time, the live state does not tell. */
function namesActor({ grantee }: Grant, actor: { memberId: string; agencyId?: string; role: string }): boolean {
  if (grantee.kind === 'agency') return grantee.id === actor.agencyId;
  if (grantee.kind === 'role') return grantee.id === actor.role;
  return grantee.kind === 'group' || grantee.id === actor.memberId;
}

/** As it stood before a revocation. */
function asGiven({ grant, txId }: GrantRow): GrantRow {
  return { grant, txId };
}

function isBefore(left: IndexedTransaction, right: IndexedTransaction): boolean {
  return left.blockNumber === right.blockNumber ? left.index < right.index : left.blockNumber < right.blockNumber;
}

/** Records that an entry permitted, by id, with the id of the statement that carried each; undefined for an own one. */
export function permittedRecords(entry: LaneEntry): ReadonlyMap<string, string | undefined> {
  const permitted = (readOutcome(entry.outcome)?.items ?? []).flatMap((item): [string, string | undefined][] =>
    item.outcome === 'permit' ? [[item.recordId, statementIdOf(item.basis)]] : [],
  );
  return new Map(permitted);
}

function statementIdOf(basis: Basis): string | undefined {
  switch (basis.kind) {
    case 'grant':
      return basis.grantId;
    case 'delegation':
      return basis.delegationId;
    case 'representation':
      return basis.representationId;
    case 'emergency':
      return basis.emergencyId;
    case 'policy':
      return POLICY_ID;
    case 'own':
      return undefined;
  }
}
