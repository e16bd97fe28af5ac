import { DomainError, limits, type Member, NO_PATIENT, type PatientId, parseOutcome } from '../../domain/index.js';
import type { LaneId } from '../../state/keys.js';
import { readEntry, readHead } from '../../state/lane-store.js';
import { findSpeaker } from '../consents/speaker.js';
import type { WorldState } from '../../state/world-state.js';

interface Reading {
  readonly state: WorldState;
  readonly actor: Member;
  readonly patientId: PatientId;
  readonly atMs: number;
}

/**
 * Hashes and places, not what was done: the patient, who represents it, and every auditor.
 *
 * @throws DomainError ROLE_NOT_ALLOWED
 */
export async function requireVerifier(reading: Reading): Promise<void> {
  const { actor, patientId } = reading;
  if (actor.role === 'auditor' || (await speaksForPatient(reading))) return;
  throw new DomainError(
    'ROLE_NOT_ALLOWED',
    `${actor.memberId} is ${actor.role}, neither an auditor nor somebody who speaks for ${patientId}`,
  );
}

/**
 * What was done: the patient, who represents it, and an auditor whose last entry about the patient announces the
 * reading.
 *
 * @throws DomainError ROLE_NOT_ALLOWED, LOG_READING_NOT_LOGGED
 */
export async function requireLogReader(reading: Reading): Promise<void> {
  await requireVerifier(reading);
  const { state, actor, patientId, atMs } = reading;
  // Lanes about no patient hold what admins and others did to the register: no patient needs to know who reads them.
  if (patientId === NO_PATIENT || (await speaksForPatient(reading))) return;
  const announcedMs = await announcementOf(state, { patientId, memberId: actor.memberId });
  if (announcedMs === undefined || atMs - announcedMs > limits.LOG_READING_MAX_MS)
    throw new DomainError(
      'LOG_READING_NOT_LOGGED',
      `${actor.memberId} has announced no reading of ${patientId} lately`,
    );
}

async function speaksForPatient({ state, actor, patientId, atMs: timeMs }: Reading): Promise<boolean> {
  if (patientId === NO_PATIENT) return false;
  return (await findSpeaker({ state, patientId, actor, timeMs })) !== undefined;
}

/** Time of the lane's last entry, where that entry announces a reading. */
async function announcementOf(state: WorldState, lane: LaneId): Promise<number | undefined> {
  const head = await readHead(state, lane);
  const last = head === undefined ? undefined : await readEntry(state, lane, head.sequence - 1);
  return last !== undefined && parseOutcome(last.outcome).action === 'read-log' ? last.timeMs : undefined;
}
