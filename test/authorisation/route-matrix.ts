import { BY_THE_PATIENT, ENDED, HOLDING, type Matrix, NEITHER_AUDITORS_NOR_ADMINS, type Rule } from './rules.js';

const NOT_SIGNED_IN: Rule = ['nobody/*', 'NOT_SIGNED_IN'];
const ANYBODY: readonly Rule[] = [['*/*', 'permit']];
const ANY_MEMBER: readonly Rule[] = [NOT_SIGNED_IN, ['*/*', 'permit']];
/** The patient, and who represents it. */
const SPEAKING: readonly Rule[] = [NOT_SIGNED_IN, ...BY_THE_PATIENT];
const ONLY_THE_PATIENT: readonly Rule[] = [NOT_SIGNED_IN, ['*/own', 'permit'], ['*/*', 'NOT_THE_PATIENT']];
const OPENING: readonly Rule[] = [NOT_SIGNED_IN, ...HOLDING, ...ENDED];
const ADDING: readonly Rule[] = [NOT_SIGNED_IN, ...NEITHER_AUDITORS_NOR_ADMINS, ...HOLDING, ...ENDED];
const STAFF_ONLY = (verdict: string): readonly Rule[] => [
  NOT_SIGNED_IN,
  ['patient/*', 'ROLE_NOT_ALLOWED'],
  ...NEITHER_AUDITORS_NOR_ADMINS,
  ['*/*', verdict],
];
/** The insurer keeps no peer, and its members see no block. */
const WITH_A_PEER: readonly Rule[] = [NOT_SIGNED_IN, ['insurer/*', 'NO_PEER'], ['*/*', 'permit']];

/**
 * Who may use which route, about whom, and how who may not is refused. The request is in order in everything else
 * (route-probes.ts). The role is that of the asker; what the relations are: route-world.ts.
 */
export const ROUTE_MATRIX: Matrix<string> = {
  'GET /healthz': ANYBODY,
  'GET /readyz': ANYBODY,
  'POST /v1/patients': ANYBODY,
  'POST /v1/sessions': ANYBODY,
  'DELETE /v1/sessions/current': ANY_MEMBER,
  'GET /v1/members/me': ANY_MEMBER,

  // To whom nothing is given the list is empty: whether there is something is not told.
  'GET /v1/patients/{patientId}/records': [NOT_SIGNED_IN, ...HOLDING, ['*/*', 'nothing']],
  'POST /v1/patients/{patientId}/records': ADDING,
  // Taken, and refused in the job.
  'POST /v1/patients/{patientId}/bundles': ADDING,
  'GET /v1/jobs/{jobId}': [NOT_SIGNED_IN, ['*/own', 'permit'], ['*/*', 'JOB_UNKNOWN']],
  'GET /v1/records/{recordId}/content': OPENING,
  'GET /v1/records/{recordId}/versions': [NOT_SIGNED_IN, ...HOLDING, ['*/*', 'RECORD_UNKNOWN']],
  'GET /v1/records/{recordId}/explanation': SPEAKING,

  'GET /v1/patients/{patientId}/grants': SPEAKING,
  'POST /v1/patients/{patientId}/grants': SPEAKING,
  'POST /v1/patients/{patientId}/grants/preview': SPEAKING,
  'PUT /v1/grants/{grantId}': SPEAKING,
  'DELETE /v1/grants/{grantId}': SPEAKING,

  'POST /v1/access-requests': STAFF_ONLY('permit'),
  'GET /v1/access-requests': [
    NOT_SIGNED_IN,
    ['auditor/*', 'ROLE_NOT_ALLOWED'],
    ['admin/*', 'ROLE_NOT_ALLOWED'],
    ...SPEAKING,
  ],
  'POST /v1/access-requests/{requestId}/approval': SPEAKING,
  'POST /v1/access-requests/{requestId}/refusal': SPEAKING,

  'GET /v1/patients/{patientId}/policy': SPEAKING,
  'PUT /v1/patients/{patientId}/policy': SPEAKING,
  'GET /v1/patients/{patientId}/care-groups': SPEAKING,
  'POST /v1/patients/{patientId}/care-groups': SPEAKING,
  'PUT /v1/patients/{patientId}/care-groups/{groupId}': SPEAKING,
  'GET /v1/patients/{patientId}/representatives': SPEAKING,
  'POST /v1/patients/{patientId}/representatives': ONLY_THE_PATIENT,
  // Of somebody else: a representative may end its own alone.
  'DELETE /v1/patients/{patientId}/representatives/{representationId}': ONLY_THE_PATIENT,
  'GET /v1/patients/{patientId}/delegations': [
    NOT_SIGNED_IN,
    ['*/own', 'permit'],
    ['*/represented', 'permit'],
    ['*/delegated', 'permit'],
    ['*/*', 'nothing'],
  ],
  // Of a grant that is somebody else's, and that nobody may pass on.
  'POST /v1/patients/{patientId}/delegations': [
    NOT_SIGNED_IN,
    ['patient/own', 'STATEMENT_INVALID'],
    ['*/*', 'NO_GRANT'],
  ],
  'DELETE /v1/patients/{patientId}/delegations/{delegationId}': SPEAKING,
  'GET /v1/patients/{patientId}/notices': SPEAKING,
  // Nothing here trusts a group: there is nothing to announce.
  'POST /v1/patients/{patientId}/membership-notices': STAFF_ONLY('NO_GRANT'),

  'GET /v1/patients/{patientId}/explanation': SPEAKING,
  'GET /v1/patients/{patientId}/access-log': [
    NOT_SIGNED_IN,
    ['insurer/*', 'NO_PEER'],
    ['auditor/*', 'permit'],
    ...SPEAKING,
  ],
  'GET /v1/patients/{patientId}/verification': [NOT_SIGNED_IN, ['auditor/*', 'permit'], ...SPEAKING],
  'GET /v1/statistics/activity': [
    NOT_SIGNED_IN,
    ['government/*', 'permit'],
    ['auditor/*', 'permit'],
    ['*/*', 'ROLE_NOT_ALLOWED'],
  ],
  'GET /v1/explorer/blocks': WITH_A_PEER,
  'GET /v1/explorer/blocks/{number}': WITH_A_PEER,
  'GET /v1/explorer/transactions/{transactionId}': WITH_A_PEER,
  // Of what the patient did: who has no part in it is not told that there is such a transaction.
  'GET /v1/transactions/{transactionId}/receipt': [
    NOT_SIGNED_IN,
    ['insurer/*', 'NO_PEER'],
    ['auditor/*', 'permit'],
    ['*/own', 'permit'],
    ['*/represented', 'permit'],
    ['*/*', 'BLOCK_UNKNOWN'],
  ],

  'GET /v1/patients/{patientId}/emergencies': [
    NOT_SIGNED_IN,
    ['*/own', 'permit'],
    ['*/represented', 'permit'],
    ['government/*', 'permit'],
    ['auditor/*', 'permit'],
    ['*/*', 'nothing'],
  ],
  'GET /v1/emergencies/unreviewed': ANY_MEMBER,
  'POST /v1/patients/{patientId}/emergencies/{emergencyId}/review': [
    NOT_SIGNED_IN,
    ['government/*', 'permit'],
    ['auditor/*', 'permit'],
    ['*/*', 'ROLE_NOT_ALLOWED'],
  ],
  'POST /v1/patients/{patientId}/emergencies': [
    NOT_SIGNED_IN,
    ['auditor/*', 'ROLE_NOT_ALLOWED'],
    ['admin/*', 'ROLE_NOT_ALLOWED'],
    // A declaration names who signs it, and that is never the patient.
    ['patient/own', 'STATEMENT_INVALID'],
    ['doctor/*', 'permit'],
    ['nurse/*', 'permit'],
    ['*/*', 'EMERGENCY_NOT_ALLOWED'],
  ],
};
