import { Type } from '@fastify/type-provider-typebox';
import { EMERGENCY_REASONS, limits, REVIEW_FINDINGS } from '@medledger/chaincode/domain';
import { pageOf } from './page.js';
import {
  emergencyId,
  memberId,
  oneOf,
  outcome,
  patientId,
  recordId,
  strictObject,
  time,
  transactionId,
  wholeNumber,
} from './vocabulary.js';

const reason = oneOf(EMERGENCY_REASONS, `one of ${EMERGENCY_REASONS.join(', ')}`);
const finding = oneOf(REVIEW_FINDINGS, REVIEW_FINDINGS.join(' or '));

/** Without records the card is read that the patient's policy names. */
export const emergencyBody = strictObject({
  reason,
  recordIds: Type.Optional(
    Type.Array(recordId, {
      maxItems: limits.OPENINGS_PER_CALL_MAX,
      uniqueItems: true,
      description: `a list of up to ${limits.OPENINGS_PER_CALL_MAX} different records`,
    }),
  ),
});
export const declaredEmergency = strictObject({
  emergencyId,
  until: time,
  reviewDue: time,
  transactionId,
  records: Type.Array(
    strictObject({
      recordId,
      outcome,
      code: Type.Optional(Type.String()),
      contentType: Type.Optional(Type.String()),
      contentBase64: Type.Optional(Type.String()),
      authorId: Type.Optional(memberId),
      authorOrganisation: Type.Optional(Type.String()),
      version: Type.Optional(wholeNumber),
    }),
  ),
});

const shownEmergency = strictObject({
  emergencyId,
  patientId,
  actorId: memberId,
  agencyId: Type.Optional(Type.String()),
  reason,
  declaredAt: time,
  until: time,
  reviewDue: time,
  review: Type.Optional(strictObject({ reviewerId: memberId, finding, at: time })),
  transactionId,
});
export const emergencyPage = pageOf(shownEmergency);
export const emergencyPath = strictObject({ patientId, emergencyId });
export const reviewBody = strictObject({
  finding,
  comment: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2000,
      description: 'a text of 1 to 2000 characters, sealed to the patient',
    }),
  ),
});
export const reviewed = strictObject({ transactionId });
export const unreviewed = strictObject({
  counts: Type.Array(strictObject({ agencyId: Type.String(), unreviewed: wholeNumber, overdue: wholeNumber })),
  emergencies: Type.Array(shownEmergency),
});
