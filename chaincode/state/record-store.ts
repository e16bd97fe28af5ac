import {
  type PatientId,
  placeOf,
  type RecordId,
  type RecordMetadata,
  type RecordSet,
  recordAt,
  type SetId,
  setsOf,
} from '../domain/index.js';
import {
  patientSetPlace,
  patientSetsPrefix,
  recordSetKey,
  relationKey,
  relationsPrefix,
  replacementKey,
} from './keys.js';
import { jsonWrite, readJson } from './stored-json.js';
import type { WorldState, Write } from './world-state.js';

export const readRecordSet = (state: WorldState, setId: SetId): Promise<RecordSet | undefined> =>
  readJson(state, recordSetKey(setId));

/** The sets in which these records lie, each read once; undefined where none is stored. */
export async function readSetsOf(
  state: WorldState,
  recordIds: readonly RecordId[],
): Promise<ReadonlyMap<SetId, RecordSet | undefined>> {
  const setIds = setsOf(recordIds);
  await state.readAhead(setIds.map(recordSetKey));
  const sets = new Map<SetId, RecordSet | undefined>();
  for (const setId of setIds) sets.set(setId, await readRecordSet(state, setId));
  return sets;
}

export async function readRecord(state: WorldState, recordId: RecordId): Promise<RecordMetadata | undefined> {
  const { setId, index } = placeOf(recordId);
  const set = await readRecordSet(state, setId);
  return set === undefined ? undefined : recordAt(set, index);
}

/** @returns the next version of a record, if there is one */
export async function readReplacement(state: WorldState, recordId: RecordId): Promise<RecordId | undefined> {
  return (await readJson<{ recordId: RecordId }>(state, replacementKey(recordId)))?.recordId;
}

/** What a new record is to an earlier one. Of two that replace one record, endorsed on one state, one is invalid. */
export function relationWrites({ recordId, relatesTo }: RecordMetadata): readonly Write[] {
  if (relatesTo === undefined) return [];
  const { kind, recordId: target } = relatesTo;
  const related = jsonWrite(relationKey(target, recordId), { kind });
  return kind === 'replaces' ? [related, jsonWrite(replacementKey(target), { recordId })] : [related];
}

/** Records that replace or dispute this one, in order of id. For queries only. */
export async function listRelated(
  state: WorldState,
  target: RecordId,
  page: { limit: number },
): Promise<readonly RecordId[]> {
  const rows = await state.page(relationsPrefix(target), page);
  return rows.items.map(({ place }) => parseRecordPlace(place));
}

/** The key was built from a parsed record id. */
function parseRecordPlace(place: string): RecordId {
  return place as RecordId;
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
