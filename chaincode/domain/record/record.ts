import {
  recordClass,
  cid,
  type MemberId,
  type MspId,
  type PatientId,
  type RecordId,
  recordId,
  recordIdOf,
  type SetId,
} from '../ids.js';
import { dataDateMs, hex, integer, list, object, type Parse } from '../shape.js';
import { notSupported, oneOf, optional } from '../shape.js';
import type { Label } from '../vocabulary.js';
import { RECORDS_PER_SET_MAX } from '../limits.js';

/**
 * What a record is to an earlier one of the same patient. `replaces`: its next version, by an author of the same
 * agency. `disputes`: the patient's own correction, beside it. FHIR R4 DocumentReference.relatesTo.
 */
export interface RecordRelation {
  readonly kind: 'replaces' | 'disputes';
  readonly recordId: RecordId;
}

/** What the chain keeps of one record: digests and pointers, never content or anything wrapped to a reader. */
export interface StoredRecord {
  /** FHIR resource type, or DocumentReference for what is not FHIR. */
  readonly class: string;
  readonly label: Label;
  /** The data's own date. */
  readonly dateMs: number;
  /** SHA-256, size and CID of the ciphertext. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly cid: string;
  /** Salted SHA-256 of the plaintext; the salt lies inside the ciphertext. */
  readonly commitment: string;
  readonly relatesTo?: RecordRelation;
}

/** Records added by one call, up to RECORDS_PER_SET_MAX, under one key. */
export interface RecordSet {
  readonly setId: SetId;
  readonly patientId: PatientId;
  readonly authorId: MemberId;
  /** Whose gateway deposited the key shares: custodians release no others. */
  readonly authorOrganisation: MspId;
  readonly addedAtMs: number;
  readonly txId: string;
  readonly keyEpoch: number;
  /** The author's, over `recordSetStatement`: r ‖ s, base64url. It proves the origin when its hospital is gone. */
  readonly authorSignature: string;
  readonly records: readonly StoredRecord[];
  /** By place; left out where all are first versions. */
  readonly versions?: readonly number[];
}

/** A record as listed: its place, its author, its digests. */
export interface RecordMetadata extends StoredRecord {
  readonly recordId: RecordId;
  readonly version: number;
  readonly patientId: PatientId;
  readonly authorId: MemberId;
  /** Whose gateway deposited the key shares: custodians release no others. */
  readonly authorOrganisation: MspId;
  readonly addedAtMs: number;
  readonly txId: string;
}

const storedLabel: Parse<Label> = (value, pointer) => {
  // Label V needs a secret that only the patient holds; the construction is not built yet.
  if (value === 'V') notSupported()(value, pointer);
  return oneOf(['N', 'R'])(value, pointer);
};

export const storedRecord: Parse<StoredRecord> = object({
  class: recordClass,
  label: storedLabel,
  dateMs: dataDateMs,
  sha256: hex(32),
  sizeBytes: integer({ min: 1, max: 2 ** 40 }),
  cid,
  commitment: hex(32),
  relatesTo: optional(object({ kind: oneOf(['replaces', 'disputes']), recordId })),
});

export const storedRecords: Parse<readonly StoredRecord[]> = list(storedRecord, { min: 1, max: RECORDS_PER_SET_MAX });

/** @returns undefined when the set has no record at this place */
export function recordAt(set: RecordSet, index: number): RecordMetadata | undefined {
  const record = set.records[index];
  if (record === undefined) return undefined;
  const { patientId, authorId, authorOrganisation, addedAtMs, txId } = set;
  const place = { recordId: recordIdOf(set.setId, index), version: set.versions?.[index] ?? 1, patientId };
  return { ...record, ...place, authorId, authorOrganisation, addedAtMs, txId };
}
