import { type PatientId, type RecordId, type RecordSet, type SetId, setsOf } from '../domain/index.js';
import { patientSetPlace, patientSetsPrefix, recordSetKey } from './keys.js';
import { jsonWrite, readJson } from './stored-json.js';
import type { WorldState, Write } from './world-state.js';

export const readRecordSet = (state: WorldState, setId: SetId): Promise<RecordSet | undefined> =>
  readJson(state, recordSetKey(setId));

/** The sets in which these records lie, each read once; undefined where none is stored. */
export async function readSetsOf(
  state: WorldState,
  recordIds: readonly RecordId[],
): Promise<ReadonlyMap<SetId, RecordSet | undefined>> {
  const sets = new Map<SetId, RecordSet | undefined>();
  for (const setId of setsOf(recordIds)) sets.set(setId, await readRecordSet(state, setId));
  return sets;
}

/** The set under its own key, and its place in the patient's list. */
export function recordSetWrites(set: RecordSet): readonly Write[] {
  const { patientId, addedAtMs, setId } = set;
  const place = `${patientSetsPrefix(patientId)}${patientSetPlace(addedAtMs, setId)}`;
  return [jsonWrite(recordSetKey(setId), set), jsonWrite(place, {})];
}

/**
 * Sets of a patient, oldest first. For queries only.
 *
 * @param page.from - place of the first one wanted: `patientSetPlace`, or empty for the first of all
 */
export async function listRecordSets(
  state: WorldState,
  patientId: PatientId,
  page: { limit: number; from: string },
): Promise<{ readonly places: readonly string[]; readonly next?: string }> {
  const rows = await state.page(patientSetsPrefix(patientId), { limit: page.limit, cursor: page.from });
  const places = rows.items.map(({ place }) => place);
  return rows.next === undefined ? { places } : { places, next: rows.next };
}
