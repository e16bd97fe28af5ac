import {
  type AgencyId,
  type EmergencyId,
  emergencyOf,
  limits,
  type Member,
  type MemberId,
  type OpenEmergency,
  type Page,
  type PatientId,
  type StoredEmergency,
} from '../domain/index.js';
import {
  emergenciesPrefix,
  emergencyKey,
  emergencyOwnerKey,
  openEmergenciesKey,
  UNREVIEWED_PREFIX,
  unreviewedKey,
  unreviewedPrefix,
} from './keys.js';
import { jsonWrite, parseStored, readJson } from './stored-json.js';
import type { WorldState, Write } from './world-state.js';

/** Index row of an emergency that nobody has reviewed: its agency's, visible to every member as a number. */
export interface Unreviewed {
  readonly agencyId: AgencyId;
  readonly emergencyId: EmergencyId;
  readonly patientId: PatientId;
  readonly reviewDueMs: number;
}

type UnreviewedRow = Pick<Unreviewed, 'patientId' | 'reviewDueMs'>;

export const readEmergency = (
  state: WorldState,
  patientId: PatientId,
  emergencyId: EmergencyId,
): Promise<StoredEmergency | undefined> => readJson(state, emergencyKey(patientId, emergencyId));

export async function readEmergencyOwner(state: WorldState, emergencyId: EmergencyId): Promise<PatientId | undefined> {
  return (await readJson<{ patientId: PatientId }>(state, emergencyOwnerKey(emergencyId)))?.patientId;
}

export async function readOpenEmergencies(state: WorldState, actorId: MemberId): Promise<readonly OpenEmergency[]> {
  return (await readJson<{ open: readonly OpenEmergency[] }>(state, openEmergenciesKey(actorId)))?.open ?? [];
}

/** A declared emergency: itself, whose it is, and where its review is missed. */
export function newEmergencyWrites(
  declared: { patientId: PatientId; emergencyId: EmergencyId; actor: Member; stored: StoredEmergency },
  others: readonly OpenEmergency[],
): readonly Write[] {
  const { patientId, emergencyId, actor, stored } = declared;
  const { reviewDueMs, agencyId } = stored;
  const row: UnreviewedRow = { patientId, reviewDueMs };
  return [
    jsonWrite(emergencyKey(patientId, emergencyId), stored),
    jsonWrite(emergencyOwnerKey(emergencyId), { patientId }),
    jsonWrite(openEmergenciesKey(actor.memberId), { open: [...others, { emergencyId, patientId, reviewDueMs }] }),
    ...(agencyId === undefined ? [] : [jsonWrite(unreviewedKey(agencyId, emergencyId), row)]),
  ];
}

/** A reviewed emergency is missed nowhere any more. */
export function reviewWrites(
  reviewed: { patientId: PatientId; emergencyId: EmergencyId; actorId: MemberId; stored: StoredEmergency },
  open: readonly OpenEmergency[],
): readonly Write[] {
  const { patientId, emergencyId, actorId, stored } = reviewed;
  const others = open.filter((other) => other.emergencyId !== emergencyId);
  return [
    jsonWrite(emergencyKey(patientId, emergencyId), stored),
    jsonWrite(openEmergenciesKey(actorId), { open: others }),
    ...(stored.agencyId === undefined ? [] : [{ key: unreviewedKey(stored.agencyId, emergencyId) }]),
  ];
}

/** Emergencies of a patient, in order of id. For queries only. */
export async function listEmergencies(
  state: WorldState,
  patientId: PatientId,
  page: { limit: number; cursor?: string },
): Promise<Page<StoredEmergency>> {
  const prefix = emergenciesPrefix(patientId);
  const rows = await state.page(prefix, page);
  const items = rows.items.map(({ place, text }) => parseStored<StoredEmergency>(`${prefix}${place}`, text));
  return rows.next === undefined ? { items } : { items, next: rows.next };
}

/** Emergencies of a patient that have not ended, by whomever. For queries only. */
export async function listLiveEmergencies(
  state: WorldState,
  patientId: PatientId,
  atMs: number,
): Promise<readonly StoredEmergency[]> {
  const prefix = emergenciesPrefix(patientId);
  const rows = await state.all(prefix, limits.PAGE_ITEMS_MAX);
  const all = rows.map(({ place, text }) => parseStored<StoredEmergency>(`${prefix}${place}`, text));
  return all.filter(({ declaration }) => atMs < emergencyOf(declaration).untilMs);
}

/** What the actor declared about this patient and nobody has reviewed. */
export async function readOwnEmergencies(
  state: WorldState,
  patientId: PatientId,
  actorId: MemberId,
): Promise<readonly StoredEmergency[]> {
  const found: StoredEmergency[] = [];
  for (const open of await readOpenEmergencies(state, actorId)) {
    if (open.patientId !== patientId) continue;
    const stored = await readEmergency(state, patientId, open.emergencyId);
    if (stored !== undefined) found.push(stored);
  }
  return found;
}

/** What nobody has reviewed, of one agency or of all. For queries only. */
export async function listUnreviewed(
  state: WorldState,
  agencyId: AgencyId | undefined,
  pageItems: number,
): Promise<readonly Unreviewed[]> {
  const prefix = agencyId === undefined ? UNREVIEWED_PREFIX : unreviewedPrefix(agencyId);
  const rows = await state.all(prefix, pageItems);
  return rows.map(({ place, text }) => {
    const key = `${prefix}${place}`;
    return { ...parsePlace(key.slice(UNREVIEWED_PREFIX.length)), ...parseStored<UnreviewedRow>(key, text) };
  });
}

/** The key was built from parsed ids. */
function parsePlace(place: string): Pick<Unreviewed, 'agencyId' | 'emergencyId'> {
  const at = place.indexOf('~');
  return { agencyId: place.slice(0, at) as AgencyId, emergencyId: place.slice(at + 1) as EmergencyId };
}
