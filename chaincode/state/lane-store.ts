import {
  DomainError,
  findHistoryFault,
  firstHead,
  formatLaneEntry,
  formatLaneHead,
  type LaneAnswer,
  type LaneEntry,
  type LaneHead,
  type MemberId,
  NO_PATIENT,
  type Page,
  type PatientId,
  parseLaneEntry,
  parseLaneHead,
  sequencesToCheck,
} from '../domain/index.js';
import { entriesPrefix, entryKey, headKey, lanesPrefix, type LaneId } from './keys.js';
import { readMember, requirePatient } from './register-store.js';
import type { WorldState, Write } from './world-state.js';

/** @throws DomainError CHAIN_BROKEN, which names the lane and the place in it */
export function chainBroken(lane: LaneId, fault: string, cause?: unknown): DomainError {
  return new DomainError('CHAIN_BROKEN', `lane ${lane.patientId}~${lane.memberId}, ${fault}`, { cause });
}

/**
 * @returns undefined for a lane without entries
 * @throws DomainError CHAIN_BROKEN when this peer holds a head that cannot be read
 */
export async function readHead(state: WorldState, lane: LaneId): Promise<LaneHead | undefined> {
  try {
    const text = await state.read(headKey(lane));
    return text === undefined ? undefined : parseLaneHead(text);
  } catch (cause) {
    throw chainBroken(lane, 'head unreadable', cause);
  }
}

/**
 * @returns undefined where nothing is stored
 * @throws DomainError CHAIN_BROKEN when this peer holds an entry that cannot be read
 */
export async function readEntry(state: WorldState, lane: LaneId, sequence: number): Promise<LaneEntry | undefined> {
  try {
    const text = await state.read(entryKey(lane, sequence));
    return text === undefined ? undefined : requireOfLane(parseLaneEntry(text), lane, sequence);
  } catch (cause) {
    throw chainBroken(lane, `entry ${sequence} unreadable`, cause);
  }
}

/** All lanes of a patient begin at one genesis, so one actor's entries would pass for another's if they were moved. */
function requireOfLane(entry: LaneEntry, lane: LaneId, sequence: number): LaneEntry {
  const { patientId, memberId } = lane;
  if (entry.patientId === patientId && entry.memberId === memberId && entry.sequence === sequence) return entry;
  throw new DomainError('CHAIN_BROKEN', `the entry is of ${entry.patientId}~${entry.memberId}, ${entry.sequence}`);
}

/**
 * Where a lane without entries begins: at the patient's registration, or at the actor's own.
 *
 * @throws DomainError PATIENT_UNKNOWN, CALLER_UNKNOWN
 */
export async function readGenesis(state: WorldState, lane: LaneId): Promise<string> {
  if (lane.patientId !== NO_PATIENT) return (await requirePatient(state, lane.patientId)).genesis;
  const member = await readMember(state, lane.memberId);
  if (member === undefined) throw new DomainError('CALLER_UNKNOWN', `the register has no member ${lane.memberId}`);
  return member.genesis;
}

/** The head that the next entry extends. */
export async function readHeadOrFirst(state: WorldState, lane: LaneId): Promise<LaneHead> {
  return (await readHead(state, lane)) ?? firstHead(await readGenesis(state, lane));
}

/** The entries that `requireWholeHistory` reads for this place. */
export function historyKeys({ lane, head, entryHash }: { lane: LaneId; head: LaneHead; entryHash: string }): string[] {
  return sequencesToCheck(head.sequence, entryHash).map((sequence) => entryKey(lane, sequence));
}

/**
 * Recomputes the last entries and one older pair, which the new entry hash chooses, from what this peer holds.
 *
 * @throws DomainError CHAIN_BROKEN
 */
export async function requireWholeHistory(
  state: WorldState,
  place: { lane: LaneId; head: LaneHead; entryHash: string },
): Promise<void> {
  const { lane, head } = place;
  const entries = new Map<number, LaneEntry | undefined>();
  for (const sequence of sequencesToCheck(head.sequence, place.entryHash))
    entries.set(sequence, await readEntry(state, lane, sequence));
  const fault = findHistoryFault(head, entries);
  if (fault !== undefined) throw chainBroken(lane, `entry ${fault.sequence} ${fault.reason}`);
}

/** Every lane about a patient, in order of the actor's id. For queries only. */
export async function listLanes(
  state: WorldState,
  patientId: PatientId,
  pageItems: number,
): Promise<readonly LaneAnswer[]> {
  const rows = await state.all(lanesPrefix(patientId), pageItems);
  return rows.map(({ place, text }) => {
    const lane = { patientId, memberId: parsePlace(place) };
    return { ...lane, head: unlessBroken(lane, 'head unreadable', () => parseLaneHead(text)) };
  });
}

/** Entries of all lanes about a patient, lane by lane. For queries only. */
export async function listEntries(
  state: WorldState,
  patientId: PatientId,
  page: { limit: number; cursor?: string },
): Promise<Page<LaneEntry>> {
  const rows = await state.page(entriesPrefix(patientId), page);
  const items = rows.items.map(({ place, text }) => {
    const at = place.lastIndexOf('~');
    const lane = { patientId, memberId: parsePlace(place.slice(0, at)) };
    return unlessBroken(lane, `entry ${place.slice(at + 1)} unreadable`, () => parseLaneEntry(text));
  });
  return rows.next === undefined ? { items } : { items, next: rows.next };
}

function unlessBroken<T>(lane: LaneId, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw chainBroken(lane, what, cause);
  }
}

/** The key was built from a parsed member id. */
function parsePlace(place: string): MemberId {
  return place as MemberId;
}

export function entryWrites(lane: LaneId, entry: LaneEntry, head: LaneHead): readonly Write[] {
  return [
    { key: entryKey(lane, entry.sequence), text: formatLaneEntry(entry) },
    { key: headKey(lane), text: formatLaneHead(head) },
  ];
}
