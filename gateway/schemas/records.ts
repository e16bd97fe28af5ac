import { Type } from '@fastify/type-provider-typebox';
import { pageOf, pageQuery } from './page.js';
import {
  emergencyId,
  jobId,
  label,
  memberId,
  oneOf,
  patientId,
  purpose,
  recordClass,
  recordId,
  sha256Hex,
  strictObject,
  time,
  transactionId,
  wholeNumber,
} from './vocabulary.js';

export const patientPath = strictObject({ patientId });
export const recordPath = strictObject({ recordId });
export const jobPath = strictObject({ jobId });

export const addRecordQuery = strictObject({
  class: Type.Optional(recordClass),
  label: Type.Optional(label),
  date: Type.Optional(time),
  purpose: Type.Optional(purpose),
  replaces: Type.Optional(recordId),
  disputes: Type.Optional(recordId),
});
export const addedRecord = strictObject({
  recordId,
  version: wholeNumber,
  cid: Type.String(),
  sha256: sha256Hex,
  sizeBytes: wholeNumber,
  transactionId,
  blockNumber: wholeNumber,
});

/** Looked into by the use case: entries and their resources are FHIR's, not ours. */
export const bundleBody = Type.Object(
  {
    resourceType: oneOf(['Bundle'], 'Bundle'),
    entry: Type.Array(Type.Object({}, { additionalProperties: true, description: 'an entry of a Bundle' }), {
      minItems: 1,
      description: 'a list of at least one entry',
    }),
  },
  { additionalProperties: true, description: 'a FHIR R4 Bundle' },
);
export const acceptedBundle = strictObject({ jobId });
export const job = strictObject({
  jobId,
  status: oneOf(['running', 'done', 'failed'], 'running, done or failed'),
  done: wholeNumber,
  total: wholeNumber,
  problem: Type.Optional(strictObject({ code: Type.String(), detail: Type.String() })),
});

export const listRecordsQuery = strictObject({
  class: Type.Optional(recordClass),
  from: Type.Optional(time),
  to: Type.Optional(time),
  ...pageQuery,
});
const shownRecord = strictObject({
  recordId,
  version: wholeNumber,
  class: recordClass,
  label,
  date: time,
  authorId: memberId,
  authorOrganisation: Type.String(),
  relatesTo: Type.Optional(strictObject({ kind: oneOf(['replaces', 'disputes'], 'replaces or disputes'), recordId })),
  addedAt: time,
  cid: Type.String(),
  sha256: sha256Hex,
  sizeBytes: wholeNumber,
  transactionId,
});
export const recordPage = pageOf(shownRecord);
export const recordVersions = strictObject({ items: Type.Array(shownRecord) });

/** `emergencyId`: of an emergency that the caller declared. */
export const contentQuery = strictObject({
  purpose: Type.Optional(purpose),
  emergencyId: Type.Optional(emergencyId),
});
