import { type MemberId, memberId, type RepresentationId } from '../ids.js';
import { object, type Parse, timeMs } from '../shape.js';

/**
 * Parent or carer: reads, gives and takes back as the patient, in entries that name both. Appoints nobody and signs
 * with the own key. What it gave outlives it, as what a guardian signed does.
 */
export interface RepresentationBody {
  readonly representative: MemberId;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Representation extends RepresentationBody {
  readonly representationId: RepresentationId;
  readonly version: number;
  readonly revoked: boolean;
}

export const representationBody: Parse<RepresentationBody> = object({
  representative: memberId,
  fromMs: timeMs,
  untilMs: timeMs,
});
