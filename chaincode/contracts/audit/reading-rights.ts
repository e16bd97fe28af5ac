import { DomainError, limits, type Member, NO_PATIENT, type PatientId, parseOutcome } from '../../domain/index.js';
import type { LaneId } from '../../state/keys.js';
import { readEntry, readHead } from '../../state/lane-store.js';
import type { WorldState } from '../../state/world-state.js';

interface Reading {
  readonly state: WorldState;
  readonly actor: Member;
  readonly patientId: PatientId;
  readonly atMs: number;
}

/**
 * Hashes and places, not what was done: the patient and every auditor.
 *
 * @throws DomainError ROLE_NOT_ALLOWED
 */
export function requireVerifier({ actor, patientId }: Pick<Reading, 'actor' | 'patientId'>): void {
  if (actor.memberId !== patientId && actor.role !== 'auditor')
    throw new DomainError('ROLE_NOT_ALLOWED', `${actor.memberId} is ${actor.role}, neither the patient nor an auditor`);
}

/**
 * What was done: the patient, and an auditor whose last entry about the patient announces the reading.
 *
 * @throws DomainError ROLE_NOT_ALLOWED, LOG_READING_NOT_LOGGED
 */
export async function requireLogReader(reading: Reading): Promise<void> {
  requireVerifier(reading);
  const { state, actor, patientId, atMs } = reading;
  // Lanes about no patient hold what admins and others did to the register: no patient needs to know who reads them.
  if (actor.memberId === patientId || patientId === NO_PATIENT) return;
  const announcedMs = await announcementOf(state, { patientId, memberId: actor.memberId });
  if (announcedMs === undefined || atMs - announcedMs > limits.LOG_READING_MAX_MS)
    throw new DomainError(
      'LOG_READING_NOT_LOGGED',
      `${actor.memberId} has announced no reading of ${patientId} lately`,
    );
}

/** Time of the lane's last entry, where that entry announces a reading. */
async function announcementOf(state: WorldState, lane: LaneId): Promise<number | undefined> {
  const head = await readHead(state, lane);
  const last = head === undefined ? undefined : await readEntry(state, lane, head.sequence - 1);
  return last !== undefined && parseOutcome(last.outcome).action === 'read-log' ? last.timeMs : undefined;
}
