import { parseCanonicalJson } from './canonical-json.js';
import { grantActions } from './consent/grant.js';
import { scope } from './consent/scope.js';
import { DomainError } from './errors.js';
import { cid, grantId, memberId, type PatientId, recordClass, recordId, requestId, setId } from './ids.js';
import {
  BUSINESS_JSON_CHARACTERS_MAX,
  OPENINGS_PER_CALL_MAX,
  PAGE_ITEMS_MAX,
  RECORDS_PER_BATCH_MAX,
} from './limits.js';
import { storedRecord, storedRecords } from './record/record.js';
import { signedRegister } from './register/register-document.js';
import {
  base64url,
  dataDateMs,
  distinct,
  distinctBy,
  hex,
  integer,
  list,
  object,
  optional,
  type Parse,
  text,
  timeMs,
} from './shape.js';
import { signedStatement } from './statement.js';
import { keyCustody, purpose } from './vocabulary.js';

const spki = base64url({ lengthBytes: 91 });
const x25519 = base64url({ lengthBytes: 32 });
const page = { limit: integer({ min: 1, max: PAGE_ITEMS_MAX }), cursor: optional(text(/^[\w~-]{1,300}$/, 'a cursor')) };
const someSets = distinctBy(object({ setId, records: storedRecords }), (set) => set.setId, {
  min: 1,
  max: RECORDS_PER_BATCH_MAX,
});
const batchSets: typeof someSets = (value, pointer) => {
  const sets = someSets(value, pointer);
  const recordCount = sets.reduce((count, set) => count + set.records.length, 0);
  if (recordCount > RECORDS_PER_BATCH_MAX)
    throw new DomainError('INPUT_INVALID', `${pointer} must have at most ${RECORDS_PER_BATCH_MAX} records`);
  return sets;
};
const laneHead = object({
  sequence: integer({ min: 0, max: 2 ** 40 }),
  previous: hex(32),
  peaks: list(hex(32), { min: 0, max: 41 }),
  difficulty: integer({ min: 1, max: 2 ** 31 }),
  timeMs,
  windowStartMs: timeMs,
});

/**
 * The business argument of every transaction that writes: first argument of `contract:function`, canonical JSON.
 * Who acts is never among them: that comes from the certificate.
 */
export const TRANSACTIONS = {
  'members:bootstrap': object({ register: signedRegister }),
  'members:register': object({ register: signedRegister }),
  'members:registerPatient': object({
    patientId: memberId,
    salt: base64url({ lengthBytes: 16 }),
    signingKey: spki,
    encryptionKey: x25519,
    keyCustody,
  }),
  'records:add': object({ patientId: memberId, purpose, setId, record: storedRecord }),
  'records:addBatch': object({
    patientId: memberId,
    purpose,
    sets: batchSets,
  }),
  'access:open': object({
    patientId: memberId,
    recordIds: distinct(recordId, { min: 1, max: OPENINGS_PER_CALL_MAX }),
    purpose,
    /** X25519 public key, made for this opening alone: shares are sealed to it. */
    oneTimeKey: x25519,
  }),
  'consents:request': object({
    patientId: memberId,
    requestId,
    actions: grantActions,
    scope,
    purpose,
    untilMs: timeMs,
    reasonSha256: hex(32),
    reasonCid: cid,
  }),
  'consents:approve': object({ patientId: memberId, requestId, grant: signedStatement }),
  'consents:refuse': object({ patientId: memberId, requestId }),
  'consents:grant': object({ patientId: memberId, grant: signedStatement }),
  'consents:revoke': object({ patientId: memberId, revocation: signedStatement }),
  'audit:readLog': object({ patientId: memberId }),
} satisfies { [transaction: string]: Parse<object> };

/** The argument of every query: evaluated on one peer, nothing written. */
export const QUERIES = {
  'members:member': object({ memberId }),
  'members:consortium': object({}),
  'records:list': object({
    patientId: memberId,
    class: optional(recordClass),
    fromMs: optional(dataDateMs),
    toMs: optional(dataDateMs),
    ...page,
  }),
  /** Listing metadata of named records: what the caller may list, and what the caller authored; others are left out. */
  'records:metadata': object({ recordIds: distinct(recordId, { min: 1, max: OPENINGS_PER_CALL_MAX }) }),
  'records:locate': object({ recordIds: distinct(recordId, { min: 1, max: OPENINGS_PER_CALL_MAX }) }),
  'consents:grants': object({ patientId: memberId, ...page }),
  'consents:requests': object({ patientId: optional(memberId), ...page }),
  'consents:accessRequest': object({ requestId }),
  'consents:locateGrant': object({ grantId }),
  'consents:evidence': object({
    patientId: memberId,
    memberId,
    grantIds: list(grantId, { min: 0, max: OPENINGS_PER_CALL_MAX }),
  }),
  'audit:head': object({ patientId: patientOrNone }),
  'audit:entry': object({ patientId: patientOrNone, memberId, sequence: integer({ min: 0, max: 2 ** 40 }) }),
  'audit:lanes': object({ patientId: memberId }),
  'audit:history': object({ patientId: memberId, ...page }),
  'audit:verifyLane': object({ patientId: patientOrNone, memberId, from: optional(laneHead) }),
} satisfies { [query: string]: Parse<object> };

export type TransactionName = keyof typeof TRANSACTIONS;
export type TransactionInput<N extends TransactionName> = ReturnType<(typeof TRANSACTIONS)[N]>;
export type QueryName = keyof typeof QUERIES;
export type QueryInput<N extends QueryName> = ReturnType<(typeof QUERIES)[N]>;

/**
 * Reads a business argument: canonical JSON of exactly the declared shape.
 *
 * @throws DomainError JSON_INVALID, INPUT_INVALID or NOT_SUPPORTED, with a pointer
 */
export function parseTransactionInput<N extends TransactionName>(name: N, json: string): TransactionInput<N> {
  return TRANSACTIONS[name](parseCanonicalJson(json, BUSINESS_JSON_CHARACTERS_MAX), '') as TransactionInput<N>;
}

export function parseQueryInput<N extends QueryName>(name: N, json: string): QueryInput<N> {
  return QUERIES[name](parseCanonicalJson(json, BUSINESS_JSON_CHARACTERS_MAX), '') as QueryInput<N>;
}

function patientOrNone(value: unknown, pointer: string): PatientId {
  if (value === '-') return '-' as PatientId;
  if (typeof value !== 'string') throw new DomainError('INPUT_INVALID', `${pointer} must be a patient id or -`);
  return memberId(value, pointer);
}
