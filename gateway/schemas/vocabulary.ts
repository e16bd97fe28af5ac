import { Type } from '@fastify/type-provider-typebox';
import { ACTIONS, LABELS, limits, PURPOSES } from '@medledger/chaincode/domain';

// A description finishes the sentence "must be …": it is what a caller reads whose value does not fit.

export const memberId = slug('a member id (a-z, 0-9, hyphen, at most 64)');
export const patientId = slug('a patient id (a-z, 0-9, hyphen, at most 64)');
export const recordId = text('^[0-9a-f]{34}$', 'a record id (34 characters of lower-case hex)');
export const grantId = text('^g[0-9a-f]{32}$', 'a grant id (g and 32 characters of lower-case hex)');
export const requestId = text('^q[0-9a-f]{32}$', 'a request id (q and 32 characters of lower-case hex)');
export const groupId = text('^c[0-9a-f]{32}$', 'a care group id (c and 32 characters of lower-case hex)');
export const delegationId = text('^d[0-9a-f]{32}$', 'a delegation id (d and 32 characters of lower-case hex)');
export const representationId = text('^r[0-9a-f]{32}$', 'a representation id (r and 32 characters of lower-case hex)');
export const emergencyId = text('^e[0-9a-f]{32}$', 'an emergency id (e and 32 characters of lower-case hex)');
export const transactionId = text('^[0-9a-f]{64}$', 'a transaction id (64 characters of lower-case hex)');
export const jobId = text('^[\\w-]{1,64}$', 'a job id');

export const recordClass = text(
  `^[A-Z][A-Za-z]{1,${limits.CLASS_CHARACTERS_MAX - 1}}$`,
  'a FHIR resource type, or DocumentReference for what is not FHIR',
);
export const label = oneOf(LABELS, 'an HL7 confidentiality code: N, R or V');
export const purpose = oneOf(PURPOSES, `an HL7 PurposeOfUse code: ${PURPOSES.join(', ')}`);
export const action = oneOf(ACTIONS, `one of ${ACTIONS.join(', ')}`);
export const outcome = oneOf(['permit', 'deny'], 'permit or deny');

/** Checked as text here; that the day exists is checked where it becomes milliseconds. */
export const time = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,3})?Z$',
  description: 'a time in UTC as ISO 8601, e.g. 2026-11-20T08:00:00Z',
});

export const sha256Hex = text('^[0-9a-f]{64}$', 'SHA-256 in lower-case hex');
export const wholeNumber = Type.Integer({ minimum: 0, description: 'a whole number' });

/** A text that matches the pattern. */
export function text(pattern: string, description: string) {
  return Type.String({ pattern, description });
}

/** One of a few words. Not a union of literals: a union's error names every branch. */
export function oneOf<const T extends string>(values: readonly T[], description: string) {
  return Type.Unsafe<T>({ type: 'string', enum: [...values], description });
}

/** An object with exactly these members. */
export function strictObject<const P extends Parameters<typeof Type.Object>[0]>(
  properties: P,
  options: { readonly description?: string } = {},
) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

function slug(description: string) {
  return text(`^[a-z0-9](?:[a-z0-9-]{0,${limits.ID_CHARACTERS_MAX - 2}}[a-z0-9])?$`, description);
}
