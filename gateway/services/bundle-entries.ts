import { DomainError, limits, recordClass } from '@medledger/chaincode/domain';
import type { PlainRecord } from './seal-records.js';

type Json = { readonly [name: string]: unknown };

/** Where FHIR R4 resources carry the date of what they tell, best first; dotted names step into elements. */
const DATE_ELEMENTS = [
  'effectiveDateTime',
  'effectivePeriod.start',
  'effectiveInstant',
  'performedDateTime',
  'performedPeriod.start',
  'occurrenceDateTime',
  'occurrencePeriod.start',
  'onsetDateTime',
  'onsetPeriod.start',
  'authoredOn',
  'billablePeriod.start',
  'period.start',
  'recordedDate',
  'issued',
  'date',
  'started',
  'created',
  'manufactureDate',
  'birthDate',
] as const;

/**
 * The entries of a FHIR Bundle as records: one each, with the resource's type as class and its own date.
 *
 * @param nowMs - date of a resource that carries none
 * @throws DomainError INPUT_INVALID with a pointer when it is no Bundle or an entry holds no resource
 * @see https://hl7.org/fhir/R4/bundle.html
 */
export function recordsOfBundle(bundle: object, nowMs: number): readonly PlainRecord[] {
  const { resourceType, entry } = bundle as Json;
  if (resourceType !== 'Bundle') throw new DomainError('INPUT_INVALID', '/resourceType must be Bundle');
  if (!Array.isArray(entry) || entry.length === 0 || entry.length > BUNDLE_ENTRIES_MAX)
    throw new DomainError('INPUT_INVALID', `/entry must have 1 to ${BUNDLE_ENTRIES_MAX} items`);
  return entry.map((item: unknown, at) => recordOfEntry(item, `/entry/${at}/resource`, nowMs));
}

/** Batches of one entry of the lane each. */
export function batchesOf(records: readonly PlainRecord[]): readonly (readonly PlainRecord[])[] {
  const size = limits.RECORDS_PER_BATCH_MAX;
  return Array.from({ length: Math.ceil(records.length / size) }, (_, at) => records.slice(at * size, (at + 1) * size));
}

/** A Synthea life has up to some thousands of entries; the body limit holds before this does. */
const BUNDLE_ENTRIES_MAX = 20_000;

function recordOfEntry(item: unknown, pointer: string, nowMs: number): PlainRecord {
  const resource = isObject(item) ? item.resource : undefined;
  if (!isObject(resource)) throw new DomainError('INPUT_INVALID', `${pointer} must be a resource`);
  return {
    class: recordClass(resource.resourceType, `${pointer}/resourceType`),
    label: supportedLabelOf(resource, pointer),
    dateMs: dateOf(resource) ?? nowMs,
    contentType: 'application/fhir+json',
    content: Buffer.from(JSON.stringify(resource)),
  };
}

/** Refused before anything of the bundle is stored: the rules would refuse the batch it is in, after others were added. */
function supportedLabelOf(resource: Json, pointer: string): PlainRecord['label'] {
  const label = labelOf(resource);
  if (label === 'V')
    throw new DomainError('NOT_SUPPORTED', `${pointer}/meta/security has label V, for which there is no rule yet`);
  return label;
}

/** The resource's own confidentiality, where it says R or V. */
function labelOf(resource: Json): PlainRecord['label'] {
  const security = isObject(resource.meta) ? resource.meta.security : undefined;
  if (!Array.isArray(security)) return 'N';
  const codes = security.flatMap((coding: unknown) => (isObject(coding) ? [coding.code] : []));
  if (codes.includes('V')) return 'V';
  return codes.includes('R') ? 'R' : 'N';
}

function dateOf(resource: Json): number | undefined {
  for (const path of DATE_ELEMENTS) {
    const value = path.split('.').reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), resource);
    const timeMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
    if (isDataDate(timeMs)) return timeMs;
  }
  return undefined;
}

/** Years as FHIR writes them, 0001 to 9999: what the rules take. `Date.parse` reads more. */
function isDataDate(timeMs: number): boolean {
  const year = new Date(timeMs).getUTCFullYear();
  return year >= 1 && year <= 9999;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
