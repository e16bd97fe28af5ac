import { type AgencyId, type EmergencyId, emergencyId, type MemberId, type PatientId } from '../ids.js';
import { object, oneOf, type Parse, timeMs } from '../shape.js';
import type { SignedStatement } from '../statement.js';
import { parseStated, requireBy, requireWindow, type Stated } from './stated.js';

/** Why the patient cannot be asked. */
export const EMERGENCY_REASONS = ['unconscious', 'life-threatening', 'incapacitated', 'time-critical'] as const;
export type EmergencyReason = (typeof EMERGENCY_REASONS)[number];

export const REVIEW_FINDINGS = ['justified', 'unjustified'] as const;
export type ReviewFinding = (typeof REVIEW_FINDINGS)[number];

/** What a doctor or nurse signs before reading without consent. Lasts at most EMERGENCY_DURATION_MAX_MS. */
export interface EmergencyBody {
  readonly reason: EmergencyReason;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A declared emergency as the rules read it. */
export interface Emergency extends EmergencyBody {
  readonly emergencyId: EmergencyId;
  readonly patientId: PatientId;
  readonly actorId: MemberId;
}

/** As a review finds it: by a second person, due REVIEW_DUE_MS after it was declared. */
export interface EmergencyReview {
  readonly reviewerId: MemberId;
  readonly finding: ReviewFinding;
  readonly atMs: number;
  /** Free text lies sealed in the vault, its hash here. */
  readonly commentSha256?: string;
  readonly commentCid?: string;
}

/** Kept with the actor: who left reviews overdue declares no new emergency. */
export interface OpenEmergency {
  readonly emergencyId: EmergencyId;
  readonly patientId: PatientId;
  readonly reviewDueMs: number;
}

/** How many emergencies of an agency nobody has reviewed yet: visible to every member. */
export interface UnreviewedCount {
  readonly agencyId: AgencyId;
  readonly unreviewed: number;
  readonly overdue: number;
}

/** @throws DomainError STATEMENT_INVALID when it is no declaration, or names nobody who signed it */
export function parseEmergencyStatement(text: string): Stated<EmergencyBody, EmergencyId> & { readonly by: MemberId } {
  const statement = parseStated(text, { kind: 'emergency', id: emergencyId, body: emergencyBody });
  return { ...statement, by: requireBy(statement) };
}

/** What was declared. */
export function emergencyOf(declaration: SignedStatement): Emergency {
  const { id, patientId, by, body } = parseEmergencyStatement(declaration.text);
  return { ...body, emergencyId: id, patientId, actorId: by };
}

export const emergencyBody: Parse<EmergencyBody> = (value, pointer) => {
  const body = parseBody(value, pointer);
  requireWindow(body, pointer);
  return body;
};

const parseBody: Parse<EmergencyBody> = object({
  reason: oneOf(EMERGENCY_REASONS),
  fromMs: timeMs,
  untilMs: timeMs,
});
export const reviewFinding: Parse<ReviewFinding> = oneOf(REVIEW_FINDINGS);
