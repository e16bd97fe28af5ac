import {
  DomainError,
  mayActFor,
  type Member,
  type Outcome,
  type PatientId,
  type RepresentationId,
} from '../../domain/index.js';
import { actorOf, loadRepresentations } from '../../state/load-consents.js';
import type { WorldState } from '../../state/world-state.js';

/** Who speaks for a patient: the patient, or somebody it appointed, who signs with the own key. */
export interface Speaker {
  readonly representationId?: RepresentationId;
}

interface Speaking {
  readonly state: WorldState;
  readonly patientId: PatientId;
  readonly actor: Member;
  readonly timeMs: number;
}

/**
 * The patient, or who represents it at this time.
 *
 * @throws DomainError NOT_THE_PATIENT
 */
export async function requireSpeaker(speaking: Speaking): Promise<Speaker> {
  const speaker = await findSpeaker(speaking);
  if (speaker !== undefined) return speaker;
  const { actor, patientId } = speaking;
  throw new DomainError('NOT_THE_PATIENT', `${actor.memberId} is neither patient ${patientId} nor represents it now`);
}

/** @returns undefined for somebody who does not speak for the patient */
export async function findSpeaker({ state, patientId, actor, timeMs }: Speaking): Promise<Speaker | undefined> {
  if (actor.memberId === patientId) return {};
  const consents = await loadRepresentations(state, { patientId, actor });
  const basis = mayActFor(actorOf(actor), patientId, consents, timeMs);
  return basis?.kind === 'representation' ? { representationId: basis.representationId } : undefined;
}

/** The part of an outcome that names the representation: the lane names the person already. */
export function named({ representationId }: Speaker): Pick<Outcome, 'representationId'> {
  return representationId === undefined ? {} : { representationId };
}
