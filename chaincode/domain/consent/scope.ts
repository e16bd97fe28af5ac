import { DomainError } from '../errors.js';
import { recordClass, type RecordId, recordId } from '../ids.js';
import { SCOPE_CLASSES_MAX, SCOPE_RECORDS_MAX } from '../limits.js';
import { dataDateMs, distinct, notSupported, object, oneOf, optional, type Parse } from '../shape.js';
import type { Label } from '../vocabulary.js';

/**
 * What a grant covers. Dimensions are ANDed; an absent class or record dimension means any; absent labels mean
 * normal (N) only. Label V has no key construction yet and is refused.
 */
export interface Scope {
  readonly classes?: readonly string[];
  readonly records?: readonly RecordId[];
  readonly labels?: readonly Label[];
  /** Window on the data's own date: `from` counts, `until` does not. */
  readonly dataFromMs?: number;
  readonly dataUntilMs?: number;
}

/** What a rule needs to know of a record; never its content. */
export interface RecordFacts {
  readonly recordId: RecordId;
  readonly class: string;
  readonly label: Label;
  /** The data's own date. */
  readonly dateMs: number;
}

/** What a rule needs to know before a record exists. */
export type NewRecordFacts = Omit<RecordFacts, 'recordId'>;

const supportedLabel: Parse<Label> = (value, pointer) => {
  if (value === 'V') notSupported()(value, pointer);
  return oneOf(['N', 'R'])(value, pointer);
};

/** @throws DomainError INPUT_INVALID or NOT_SUPPORTED, with a pointer */
export const scope: Parse<Scope> = (value, pointer) => {
  const parsed = scopeMembers(value, pointer);
  const { dataFromMs, dataUntilMs } = parsed;
  if (dataFromMs !== undefined && dataUntilMs !== undefined && dataUntilMs <= dataFromMs)
    throw new DomainError('INPUT_INVALID', `${pointer}/dataUntilMs must be after dataFromMs`);
  return parsed;
};

const scopeMembers: Parse<Scope> = object({
  classes: optional(distinct(recordClass, { min: 1, max: SCOPE_CLASSES_MAX })),
  records: optional(distinct(recordId, { min: 1, max: SCOPE_RECORDS_MAX })),
  labels: optional(distinct(supportedLabel, { min: 1, max: 2 })),
  dataFromMs: optional(dataDateMs),
  dataUntilMs: optional(dataDateMs),
});

const DEFAULT_LABELS: readonly Label[] = ['N'];

/** True when every dimension of the scope holds for the record. A list of records never covers one not made yet. */
export function covers(given: Scope, record: RecordFacts | NewRecordFacts): boolean {
  return coversExcluded({ ...given, labels: given.labels ?? DEFAULT_LABELS }, record);
}

/** The same of an exclusion, where absent labels mean every label: who is kept out of all is kept out of all. */
export function coversExcluded(excluded: Scope, record: RecordFacts | NewRecordFacts): boolean {
  const { classes, records, labels, dataFromMs, dataUntilMs } = excluded;
  return (
    (classes === undefined || classes.includes(record.class)) &&
    (records === undefined || ('recordId' in record && records.includes(record.recordId))) &&
    (labels === undefined || labels.includes(record.label)) &&
    (dataFromMs === undefined || dataFromMs <= record.dateMs) &&
    (dataUntilMs === undefined || record.dateMs < dataUntilMs)
  );
}

/** True when `inner` covers nothing that `outer` does not: what an approval may narrow a request to, or a delegate pass on. */
export function isWithin(inner: Scope, outer: Scope): boolean {
  const subset = (small: readonly string[] | undefined, large: readonly string[] | undefined): boolean =>
    large === undefined || (small?.every((item) => large.includes(item)) ?? false);
  return (
    subset(inner.classes, outer.classes) &&
    subset(inner.records, outer.records) &&
    subset(inner.labels ?? DEFAULT_LABELS, outer.labels ?? DEFAULT_LABELS) &&
    (outer.dataFromMs === undefined || (inner.dataFromMs !== undefined && outer.dataFromMs <= inner.dataFromMs)) &&
    (outer.dataUntilMs === undefined || (inner.dataUntilMs !== undefined && inner.dataUntilMs <= outer.dataUntilMs))
  );
}
