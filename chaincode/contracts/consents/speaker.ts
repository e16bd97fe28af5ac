import { DomainError, type Member, type PatientId, type RepresentationId } from '../../domain/index.js';
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
