import type { GrantId, PatientId } from '../domain/index.js';
import { usesKey } from './keys.js';
import { jsonWrite, readJson } from './stored-json.js';
import type { WorldState, Write } from './world-state.js';

type Used = Readonly<Partial<Record<GrantId, number>>>;

/**
 * Records opened so far under grants that count them. Each has a key of its own, read and written by every opening that
 * spends: of two openings endorsed on one state, one is invalid, so that nobody spends more than was given.
 */
export async function readUsed(state: WorldState, patientId: PatientId, grantIds: readonly GrantId[]): Promise<Used> {
  await state.readAhead(grantIds.map((grantId) => usesKey(patientId, grantId)));
  const used: Partial<Record<GrantId, number>> = {};
  for (const grantId of grantIds) {
    const row = await readJson<{ used: number }>(state, usesKey(patientId, grantId));
    if (row !== undefined) used[grantId] = row.used;
  }
  return used;
}

/** @param spent - by grant, how many of the records of this call */
export function useWrites(patientId: PatientId, used: Used, spent: Used): readonly Write[] {
  return grantIdsOf(spent).map((grantId) =>
    jsonWrite(usesKey(patientId, grantId), { used: (used[grantId] ?? 0) + (spent[grantId] ?? 0) }),
  );
}

/** Keys of a record are plain strings to the compiler; these were grant ids when they were put there. */
function grantIdsOf(spent: Used): readonly GrantId[] {
  return Object.keys(spent) as GrantId[];
}
