import {
  type AccessDecision,
  type AccessRequest,
  type Consents,
  decideOpenings,
  type ItemOutcome,
  type Outcome,
  placeOf,
  type RecordId,
  type RecordMetadata,
  recordAt,
} from '../../domain/index.js';
import { readSetsOf } from '../../state/record-store.js';
import { useWrites } from '../../state/use-store.js';
import type { WorldState, Write } from '../../state/world-state.js';

/** What was decided about the records of one call, and what the permits spend. */
export interface Openings {
  readonly items: readonly ItemOutcome[];
  /** Of the permitted ones. */
  readonly records: readonly RecordMetadata[];
  /** Written with the entry that permits: nothing is opened that is not counted. */
  readonly spending: readonly Write[];
}

/** Decides each record for itself, in order: what one spends, the next no longer has. */
export async function decideRecords(
  state: WorldState,
  asked: { readonly common: Omit<AccessRequest, 'record'>; readonly recordIds: readonly RecordId[] },
  consents: Consents,
): Promise<Openings> {
  const { common, recordIds } = asked;
  const { patientId } = common;
  const found = await readOwn(state, common, recordIds);
  const { decisions, spent } = decideOpenings(common, found, consents);
  return {
    items: recordIds.map((recordId, index) => itemOf(recordId, found[index], decisions[index])),
    records: found
      .filter((record, index) => record !== undefined && decisions[index]?.outcome === 'permit')
      .flatMap(only),
    spending: useWrites(patientId, consents.used, spent),
  };
}

function only(record: RecordMetadata | undefined): readonly RecordMetadata[] {
  return record === undefined ? [] : [record];
}

/** Another patient's record is answered like one that is not there: a guess learns nothing. */
async function readOwn(
  state: WorldState,
  { patientId }: Pick<AccessRequest, 'patientId'>,
  recordIds: readonly RecordId[],
): Promise<readonly (RecordMetadata | undefined)[]> {
  const sets = await readSetsOf(state, recordIds);
  return recordIds.map((recordId) => {
    const { setId, index } = placeOf(recordId);
    const set = sets.get(setId);
    return set?.patientId === patientId ? recordAt(set, index) : undefined;
  });
}

function itemOf(
  recordId: RecordId,
  record: RecordMetadata | undefined,
  decision: AccessDecision | undefined,
): ItemOutcome {
  const decided = decision ?? { outcome: 'deny', code: 'RECORD_UNKNOWN' };
  if (record === undefined) return { recordId, ...decided };
  return { recordId, class: record.class, version: record.version, ...decided };
}

/** A call is refused where every item of it is; the first reason then stands for all. */
export function wholeOf(items: readonly ItemOutcome[]): Pick<Outcome, 'outcome' | 'code'> {
  const refusal = items.find((item) => item.outcome === 'deny');
  const isPermitted = items.some((item) => item.outcome === 'permit');
  if (isPermitted || refusal?.outcome !== 'deny') return { outcome: 'permit' };
  return { outcome: 'deny', code: refusal.code };
}
