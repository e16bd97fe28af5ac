import { parseCanonicalJson } from './canonical-json.js';
import { reviewFinding } from './consent/emergency.js';
import { grantActions } from './consent/grant.js';
import { grantee } from './consent/grantee.js';
import { scope } from './consent/scope.js';
import { DomainError } from './errors.js';
import {
  agencyId,
  cid,
  delegationId,
  emergencyId,
  grantId,
  memberId,
  type PatientId,
  recordClass,
  recordId,
  representationId,
  requestId,
  setId,
} from './ids.js';
import {
  BUSINESS_JSON_CHARACTERS_MAX,
  CONSENT_ITEMS_MAX,
  OPEN_EMERGENCIES_MAX,
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
const signature = base64url({ lengthBytes: 64 });
const x25519 = base64url({ lengthBytes: 32 });
const page = { limit: integer({ min: 1, max: PAGE_ITEMS_MAX }), cursor: optional(text(/^[\w~-]{1,300}$/, 'a cursor')) };
const someSets = distinctBy(object({ setId, records: storedRecords, authorSignature: signature }), (set) => set.setId, {
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
    /** What holds from the first moment: without a policy no emergency opens anything. */
    policy: optional(signedStatement),
  }),
  'records:add': object({ patientId: memberId, purpose, setId, record: storedRecord, authorSignature: signature }),
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
  /** Declares an emergency, or goes on within a declared one; the card is read with the first call. */
  'access:emergency': object({
    patientId: memberId,
    declaration: signedStatement,
    recordIds: distinct(recordId, { min: 0, max: OPENINGS_PER_CALL_MAX }),
    oneTimeKey: x25519,
  }),
  'access:review': object({
    patientId: memberId,
    emergencyId,
    finding: reviewFinding,
    commentSha256: optional(hex(32)),
    commentCid: optional(cid),
  }),
  'consents:request': object({
    patientId: memberId,
    requestId,
    grantee: optional(grantee),
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
  /** A new version of a stored grant: narrower, wider, longer or shorter, to the same grantee. */
  'consents:alter': object({ patientId: memberId, grant: signedStatement }),
  /** Takes back a grant, a delegation or a representation. */
  'consents:revoke': object({ patientId: memberId, revocation: signedStatement }),
  'consents:setPolicy': object({ patientId: memberId, policy: signedStatement }),
  'consents:setGroup': object({ patientId: memberId, group: signedStatement }),
  'consents:appoint': object({ patientId: memberId, representation: signedStatement }),
  'consents:delegate': object({ patientId: memberId, delegation: signedStatement }),
  /** A member who joined a trusted group tells the patient; before that it gains nothing from what the group was given. */
  'consents:announce': object({ patientId: memberId }),
  'audit:readLog': object({ patientId: memberId }),
} satisfies { [transaction: string]: Parse<object> };

/** The argument of every query: evaluated on one peer, nothing written. */
export const QUERIES = {
  'members:member': object({ memberId }),
  'members:consortium': object({}),
  /** Staff as the register has it, by member id: whom a grant to an agency or a role reaches. */
  'members:staff': object({ agencyId: optional(agencyId), ...page }),
  'records:list': object({
    patientId: memberId,
    class: optional(recordClass),
    fromMs: optional(dataDateMs),
    toMs: optional(dataDateMs),
    ...page,
  }),
  /** Listing metadata of named records: what the caller may list, and what the caller authored; others are left out. */
  'records:metadata': object({ recordIds: distinct(recordId, { min: 1, max: OPENINGS_PER_CALL_MAX }) }),
  /** The chain of versions and disputes around one record, as far as the caller may list it. */
  'records:versions': object({ recordId }),
  /** Who signed a record that the caller may list, and what is needed to check it. */
  'records:origin': object({ recordId }),
  'records:locate': object({ recordIds: distinct(recordId, { min: 1, max: OPENINGS_PER_CALL_MAX }) }),
  'consents:grants': object({ patientId: memberId, ...page }),
  'consents:requests': object({ patientId: optional(memberId), ...page }),
  'consents:accessRequest': object({ requestId }),
  /** Everything the patient has said and that holds or will hold: for the patient, and who represents it. */
  'consents:all': object({ patientId: memberId }),
  /** What of it can concern the caller: enough to explain the own access. */
  'consents:mine': object({ patientId: memberId }),
  /** What the patient was told: emergencies, and members who joined what the patient trusts. Newest last. */
  'consents:notices': object({ patientId: memberId, ...page }),
  'consents:locateGrant': object({ grantId }),
  'consents:evidence': object({
    patientId: memberId,
    memberId,
    grantIds: list(grantId, { min: 0, max: OPENINGS_PER_CALL_MAX }),
    delegationIds: list(delegationId, { min: 0, max: OPENINGS_PER_CALL_MAX }),
    representationIds: list(representationId, { min: 0, max: CONSENT_ITEMS_MAX }),
    emergencyIds: list(emergencyId, { min: 0, max: OPEN_EMERGENCIES_MAX }),
  }),
  /** Emergencies of a patient: for the patient and its representatives, who declared them, and who may review. */
  'access:emergencies': object({ patientId: memberId, ...page }),
  /** For every member: how many emergencies of each agency nobody has reviewed; for a reviewer also which. */
  'access:unreviewed': object({ agencyId: optional(agencyId) }),
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
