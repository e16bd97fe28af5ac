import { registry } from './error-entry.js';

/** What is asked for, and what may be wrong with statements, lanes, keys, content and machines. In order of precedence. */
export const FAILURE_ERRORS = registry({
  // What is asked for.
  PATIENT_UNKNOWN: { status: 404, issue: 'not-found', text: 'There is no such patient. Check the id.' },
  MEMBER_UNKNOWN: { status: 404, issue: 'not-found', text: 'The register has no such member or agency. Check the id.' },
  GRANT_UNKNOWN: { status: 404, issue: 'not-found', text: 'There is no such grant of this patient. Check the id.' },
  REQUEST_UNKNOWN: { status: 404, issue: 'not-found', text: 'There is no such access request. Check the id.' },
  DELEGATION_UNKNOWN: { status: 404, issue: 'not-found', text: 'There is no such delegation. Check the id.' },
  REPRESENTATION_UNKNOWN: {
    status: 404,
    issue: 'not-found',
    text: 'The patient has appointed no such representative. Check the id.',
  },
  GROUP_UNKNOWN: { status: 404, issue: 'not-found', text: 'The patient has no such care group. Check the id.' },
  EMERGENCY_UNKNOWN: {
    status: 404,
    issue: 'not-found',
    text: 'There is no such emergency of this patient. Check the id.',
  },
  JOB_UNKNOWN: { status: 404, issue: 'not-found', text: 'There is no such job of this member. Check the id.' },
  BLOCK_UNKNOWN: {
    status: 404,
    issue: 'not-found',
    text: 'There is no such block or transaction yet. Check the number or id.',
  },
  RECORD_EXISTS: {
    status: 409,
    issue: 'duplicate',
    text: 'A record with this id is stored already. Use a new id, or read the stored one.',
  },
  GRANT_EXISTS: { status: 409, issue: 'duplicate', text: 'A grant with this id is stored already. Use a new id.' },
  REQUEST_EXISTS: {
    status: 409,
    issue: 'duplicate',
    text: 'An access request with this id is stored already. Use a new id.',
  },
  REQUEST_CLOSED: { status: 409, issue: 'conflict', text: 'The request was answered or has lapsed. Make a new one.' },
  GRANT_REVOKED: { status: 409, issue: 'conflict', text: 'The grant is revoked already. Nothing is left to do.' },
  TOO_MANY_GRANTS: {
    status: 409,
    issue: 'business-rule',
    text: 'This grantee holds too many live grants of this patient. Revoke one first.',
  },
  ALREADY_BOOTSTRAPPED: {
    status: 409,
    issue: 'conflict',
    text: 'The channel has its register already. Use members:register to extend it.',
  },
  NOT_BOOTSTRAPPED: {
    status: 503,
    issue: 'processing',
    text: 'The channel has no register yet. The operator must run the bootstrap.',
  },
  // Statements.
  STATEMENT_INVALID: {
    status: 422,
    issue: 'invalid',
    text: 'The signed statement does not say what the call says. Build it anew from the same values.',
  },
  SIGNATURE_INVALID: {
    status: 422,
    issue: 'security',
    text: 'The signature does not belong to the pinned key. Sign the statement bytes with the key that is registered.',
  },
  VERSION_CONFLICT: {
    status: 409,
    issue: 'conflict',
    text: 'The statement does not follow the stored version. Read the current one and sign the next version.',
  },
  REGISTER_SIGNATURES_MISSING: {
    status: 403,
    issue: 'security',
    text: 'A register document needs the signatures of two organisations. Collect the missing one.',
  },
  // Lanes.
  NONCE_INVALID: {
    status: 409,
    issue: 'security',
    text: 'The nonce does not solve this header. Solve it again for the lane as it is now.',
  },
  STALE_HEAD: { status: 409, issue: 'conflict', text: 'The lane has moved on. Read its head and solve again.' },
  CHAIN_BROKEN: {
    status: 500,
    issue: 'exception',
    text: 'This peer holds a changed entry of the lane. Use another organisation and tell the operator to run verify-ledger.',
  },
  STATE_CORRUPT: {
    status: 500,
    issue: 'exception',
    text: 'This peer holds bytes that do not match their digest. Use another organisation and tell the operator to run verify-ledger.',
  },
  // Keys and content.
  RELEASE_REFUSED: {
    status: 403,
    issue: 'security',
    text: 'The custodians refused to release their key shares. The reason of each is listed.',
  },
  CUSTODIANS_UNAVAILABLE: {
    status: 503,
    issue: 'transient',
    text: 'Fewer than two custodians answered. Nothing is lost; try again when another one is up.',
  },
  ORIGIN_INVALID: {
    status: 502,
    issue: 'security',
    text: "The record does not carry its author's signature, so it is not shown. Tell the operator, who runs verify-ledger.",
  },
  KEY_UNRECOVERABLE: {
    status: 502,
    issue: 'exception',
    text: 'No two key shares fit the record. Tell the custodians that are named to check their stores.',
  },
  SHARE_CONFLICT: {
    status: 409,
    issue: 'conflict',
    text: 'The custodian holds another share for this record. Use a new record id.',
  },
  SHARE_MISSING: {
    status: 404,
    issue: 'not-found',
    text: 'This custodian holds no share of the record. Ask the other custodians.',
  },
  RELEASE_TOO_OLD: {
    status: 403,
    issue: 'expired',
    text: 'The opening was committed too long ago. Open the record again.',
  },
  ATTESTATIONS_MISSING: {
    status: 503,
    issue: 'transient',
    text: 'Too few organisations could be asked where the transaction stands. Try again when another one is back.',
  },
  EVIDENCE_INVALID: {
    status: 403,
    issue: 'security',
    text: 'The basis of the decision is not backed by a valid signed statement. Tell an auditor.',
  },
  CIPHERTEXT_INVALID: {
    status: 502,
    issue: 'exception',
    text: 'The stored bytes do not decrypt to what was committed. Tell the operator to run verify-ledger.',
  },
  CONTENT_MISSING: {
    status: 502,
    issue: 'incomplete',
    text: 'No vault node holds the content. Tell the operators of the vaults that are named.',
  },
  CONTENT_CORRUPT: {
    status: 502,
    issue: 'exception',
    text: 'Every copy of the content is damaged. Tell the operators of the vaults that are named.',
  },
  VAULT_UNAVAILABLE: {
    status: 503,
    issue: 'transient',
    text: 'Fewer than two vault nodes took the content, so nothing was added. Try again when another one is up.',
  },
  // The machine.
  LEDGER_UNAVAILABLE: {
    status: 503,
    issue: 'transient',
    text: 'The ledger does not answer. Nothing was changed; try again in a moment.',
  },
  LEDGER_CONFLICT: {
    status: 409,
    issue: 'conflict',
    text: 'Others kept changing the same data. Nothing was changed; try again.',
  },
  OUTCOME_UNKNOWN: {
    status: 503,
    issue: 'timeout',
    text: 'The ledger took the transaction but has not said how it ended. Ask again with the same Idempotency-Key; it is not sent twice.',
  },
  LEDGER_REFUSED: {
    status: 502,
    issue: 'processing',
    text: 'The ledger refused the transaction for a reason that a member cannot mend. The operator finds it in the log by the transaction id.',
  },
  STORE_CORRUPT: {
    status: 500,
    issue: 'no-store',
    text: 'A local store holds damaged bytes. The operator must restore it from a backup; the place is in the log.',
  },
  QUOTA_EXCEEDED: {
    status: 507,
    issue: 'business-rule',
    text: 'What you may store through this gateway is used up. Ask its operator for more room; quota names limits and use.',
  },
  OVERLOADED: {
    status: 503,
    issue: 'throttled',
    text: 'The gateway is overloaded. Wait for the time that Retry-After names.',
  },
  INTERNAL: {
    status: 500,
    issue: 'exception',
    text: 'The gateway failed. Nothing more can be said here; the operator finds the cause in the log by the request id.',
  },
});
