import { registry } from './error-entry.js';

/** Who asks and how, and the refusals that are written to the chain. In order of precedence. */
export const REQUEST_ERRORS = registry({
  // The request itself.
  INPUT_INVALID: {
    status: 400,
    issue: 'invalid',
    text: 'The request does not have the documented shape. Mend the member that the pointer names and send it again.',
  },
  JSON_INVALID: {
    status: 400,
    issue: 'structure',
    text: 'The body is not well-formed JSON. Mend it at the place named and send it again.',
  },
  JSON_DUPLICATE_NAME: {
    status: 400,
    issue: 'structure',
    text: 'A JSON object names the same member twice. Remove one of the two.',
  },
  JSON_TOO_DEEP: {
    status: 400,
    issue: 'structure',
    text: 'The JSON is nested too deeply. Flatten it, or add it as a file.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    issue: 'too-long',
    text: 'The body is larger than this route takes. Split it, or ask the operator for the limit.',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    issue: 'not-supported',
    text: 'This route does not take that Content-Type. Use the one the documentation names.',
  },
  NOT_SUPPORTED: {
    status: 422,
    issue: 'not-supported',
    text: 'The rule for this field is not built yet, so it is refused and not stored. Leave the field out.',
  },
  ROUTE_UNKNOWN: { status: 404, issue: 'not-found', text: 'There is no such route. See /docs for the list.' },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    issue: 'duplicate',
    text: 'This Idempotency-Key was used with another request. Use a new key for a new request.',
  },
  IDEMPOTENCY_IN_FLIGHT: {
    status: 409,
    issue: 'lock-error',
    text: 'The first request with this Idempotency-Key is still running. Ask again in a moment.',
  },
  TOO_MANY_REQUESTS: {
    status: 429,
    issue: 'throttled',
    text: 'Too many requests. Wait for the time that Retry-After names.',
  },
  // Who asks.
  NOT_SIGNED_IN: {
    status: 401,
    issue: 'login',
    text: 'Sign in first: POST /v1/sessions, then send the access token as Bearer.',
  },
  SESSION_ENDED: { status: 401, issue: 'expired', text: 'The session has ended. Sign in again.' },
  INVALID_CREDENTIALS: {
    status: 401,
    issue: 'login',
    text: 'Member id and password do not belong together. Check both and try again.',
  },
  TOO_MANY_ATTEMPTS: {
    status: 429,
    issue: 'throttled',
    text: 'Too many failed sign-ins for this member. Wait for the time that Retry-After names.',
  },
  WEAK_PASSWORD: { status: 422, issue: 'value', text: 'The password is too short. Use at least 12 characters.' },
  MEMBER_EXISTS: { status: 409, issue: 'duplicate', text: 'This member is registered already. Sign in instead.' },
  WALLET_UNREADABLE: {
    status: 500,
    issue: 'no-store',
    text: 'The stored keys of this member cannot be read. The operator must restore the wallet store from a backup.',
  },
  CALLER_UNKNOWN: {
    status: 403,
    issue: 'security',
    text: 'The certificate is not the one that the register holds for this member. Ask the organisation to enrol the member again.',
  },
  ROLE_NOT_ALLOWED: {
    status: 403,
    issue: 'forbidden',
    text: 'This role may not do that. Sign in as a member whose role may.',
  },
  NOT_THE_PATIENT: { status: 403, issue: 'forbidden', text: 'Only the patient may do that. Ask the patient.' },
  NO_PEER: {
    status: 403,
    issue: 'forbidden',
    text: 'This organisation keeps no peer and sees no blocks. Ask a member organisation that has one.',
  },
  LOG_READING_NOT_LOGGED: {
    status: 403,
    issue: 'forbidden',
    text: 'An auditor reads a log only after the reading is on the chain. Call audit:readLog first.',
  },
  // Refusals: values, written to the chain.
  NO_GRANT: {
    status: 403,
    issue: 'forbidden',
    text: 'The patient has given no grant that covers this. Ask the patient with POST /v1/access-requests.',
  },
  EXCLUDED: {
    status: 403,
    issue: 'forbidden',
    text: 'The patient has excluded you, your agency or your role from this, which no grant outweighs. Ask the patient.',
  },
  NOTICE_MISSING: {
    status: 403,
    issue: 'forbidden',
    text: 'You joined after the patient gave this group access. Tell the patient with POST /v1/patients/{id}/membership-notices.',
  },
  USES_SPENT: {
    status: 403,
    issue: 'forbidden',
    text: 'The grant was used as often as the patient allowed. Ask the patient with POST /v1/access-requests.',
  },
  EMERGENCY_NOT_ALLOWED: {
    status: 403,
    issue: 'forbidden',
    text: 'The patient has not allowed this record, or anything, to be read in an emergency. Ask who represents the patient.',
  },
  EMERGENCY_ENDED: {
    status: 403,
    issue: 'forbidden',
    text: 'The declared emergency is over. Declare a new one if the patient still cannot be asked.',
  },
  REVIEW_OVERDUE: {
    status: 403,
    issue: 'forbidden',
    text: 'An earlier emergency of yours was not reviewed in time. Have a second person review it first.',
  },
  PURPOSE_NOT_GRANTED: {
    status: 403,
    issue: 'forbidden',
    text: 'There is a grant, but for another purpose. Open with the purpose of the grant, or ask the patient.',
  },
  GRANT_NOT_STARTED: { status: 403, issue: 'forbidden', text: 'The grant begins later. Try again then.' },
  GRANT_ENDED: {
    status: 403,
    issue: 'forbidden',
    text: 'The grant had ended or been revoked. Ask the patient for a new one.',
  },
  RECORD_UNKNOWN: { status: 404, issue: 'not-found', text: 'There is no such record of this patient. Check the id.' },
});
