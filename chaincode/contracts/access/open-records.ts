import {
  decideAccess,
  type Grant,
  type ItemOutcome,
  type Outcome,
  placeOf,
  type RecordId,
  type RecordMetadata,
  type RecordSet,
  recordAt,
  type SetId,
} from '../../domain/index.js';
import type { Request, Rule } from '../../state/extend-lane.js';
import { readGrantsFor } from '../../state/grant-store.js';
import { readSetsOf } from '../../state/record-store.js';
import { isPatientOrStaff } from '../acting-roles.js';

type Opening = Request<'access:open'>;

interface Decided {
  readonly item: ItemOutcome;
  /** Of a permitted record. */
  readonly record?: RecordMetadata;
}

/** Decides each record for itself and writes every decision. The answer holds pointers and digests, no key. */
export const openRecords: Rule<'access:open'> = async (request) => {
  const { state, actor, input } = request;
  // Admins and auditors open nothing, not even by a grant to their agency; that they tried is written like any refusal.
  const grants = isPatientOrStaff(actor) ? await readGrantsFor(state, input.patientId, actor) : [];
  const sets = await readSetsOf(state, input.recordIds);
  const decided = input.recordIds.map((recordId) => decide(request, recordId, { sets, grants }));
  return {
    outcome: outcomeOf(
      request,
      decided.map(({ item }) => item),
    ),
    records: decided.flatMap(({ record }) => (record === undefined ? [] : [record])),
  };
};

function decide(
  { actor, input, timeMs }: Opening,
  recordId: RecordId,
  loaded: { sets: ReadonlyMap<SetId, RecordSet | undefined>; grants: readonly Grant[] },
): Decided {
  const { patientId, purpose } = input;
  const { setId, index } = placeOf(recordId);
  const set = loaded.sets.get(setId);
  // Another patient's record is answered like one that is not there: a guess learns nothing.
  const record = set?.patientId === patientId ? recordAt(set, index) : undefined;
  if (record === undefined) return { item: { recordId, outcome: 'deny', code: 'RECORD_UNKNOWN' } };
  const decision = decideAccess({ actor, patientId, record, action: 'read', purpose, atMs: timeMs }, loaded.grants);
  const item = { recordId, class: record.class, version: record.version, ...decision };
  return decision.outcome === 'permit' ? { item, record } : { item };
}

function outcomeOf({ input }: Opening, items: readonly ItemOutcome[]): Outcome {
  const { purpose } = input;
  const refusal = items.find((item) => item.outcome === 'deny');
  const isPermitted = items.some((item) => item.outcome === 'permit');
  if (isPermitted || refusal?.outcome !== 'deny') return { action: 'open', outcome: 'permit', purpose, items };
  return { action: 'open', outcome: 'deny', code: refusal.code, purpose, items };
}
