import type { FunctionName } from './chaincode-probes.js';
import { BY_THE_PATIENT, ENDED, HOLDING, type Matrix, NEITHER_AUDITORS_NOR_ADMINS, type Rule } from './rules.js';

/** Nobody whom the register does not name does or asks anything as a member. */
const UNKNOWN: readonly Rule[] = [
  ['unregistered/*', 'CALLER_UNKNOWN'],
  ['no-attributes/*', 'CALLER_UNKNOWN'],
];
const NOT_STAFF: readonly Rule[] = [...UNKNOWN, ['patient/*', 'ROLE_NOT_ALLOWED'], ...NEITHER_AUDITORS_NOR_ADMINS];
/** The patient, and who represents it. */
const SPEAKING: readonly Rule[] = [...UNKNOWN, ...BY_THE_PATIENT];
const ADDING: readonly Rule[] = [...UNKNOWN, ...NEITHER_AUDITORS_NOR_ADMINS, ...HOLDING, ...ENDED];
const LOG_READING: readonly Rule[] = [
  ...UNKNOWN,
  ['*/own', 'permit'],
  ['*/represented', 'permit'],
  ['auditor/*', 'LOG_READING_NOT_LOGGED'],
  ['*/*', 'ROLE_NOT_ALLOWED'],
];
const VERIFYING: readonly Rule[] = [
  ...UNKNOWN,
  ['*/own', 'permit'],
  ['*/represented', 'permit'],
  ['auditor/*', 'permit'],
  ['*/*', 'ROLE_NOT_ALLOWED'],
];
const ANY_MEMBER: readonly Rule[] = [...UNKNOWN, ['*/*', 'permit']];
const ANYBODY: readonly Rule[] = [['*/*', 'permit']];
const LISTED = (otherwise: string): readonly Rule[] => [...UNKNOWN, ...HOLDING, ['*/*', otherwise]];

/**
 * Who may call which function of the chaincode, about whom, and how who may not is refused. The call is in order in
 * everything else (chaincode-probes.ts).
 */
export const CHAINCODE_MATRIX: Matrix<FunctionName> = {
  'members:bootstrap': [
    ['no-attributes/*', 'CALLER_UNKNOWN'],
    ['*/*', 'ALREADY_BOOTSTRAPPED'],
  ],
  'members:register': [...UNKNOWN, ['admin/*', 'permit'], ['*/*', 'ROLE_NOT_ALLOWED']],
  // Somebody else's id and key: a patient is registered by nobody but itself.
  'members:registerPatient': [
    ['no-attributes/*', 'CALLER_UNKNOWN'],
    ['patient/*', 'CALLER_UNKNOWN'],
    ['*/*', 'ROLE_NOT_ALLOWED'],
  ],
  'records:add': ADDING,
  'records:addBatch': ADDING,
  'access:open': [...UNKNOWN, ...HOLDING, ...ENDED],
  'access:emergency': [
    ...UNKNOWN,
    ['auditor/*', 'ROLE_NOT_ALLOWED'],
    ['admin/*', 'ROLE_NOT_ALLOWED'],
    // A declaration names who signs it, and that is never the patient.
    ['patient/own', 'STATEMENT_INVALID'],
    ['doctor/*', 'permit'],
    ['nurse/*', 'permit'],
    // Who represents the patient needs no emergency.
    ['*/*', 'EMERGENCY_NOT_ALLOWED'],
  ],
  'access:review': [...UNKNOWN, ['government/*', 'permit'], ['auditor/*', 'permit'], ['*/*', 'ROLE_NOT_ALLOWED']],
  'consents:request': [...NOT_STAFF, ['*/*', 'permit']],
  'consents:approve': SPEAKING,
  'consents:refuse': SPEAKING,
  'consents:grant': SPEAKING,
  'consents:alter': SPEAKING,
  'consents:revoke': SPEAKING,
  'consents:setPolicy': SPEAKING,
  'consents:setGroup': SPEAKING,
  'consents:appoint': [...UNKNOWN, ['*/own', 'permit'], ['*/*', 'NOT_THE_PATIENT']],
  // Of a grant that is somebody else's, and that nobody may pass on.
  'consents:delegate': [...UNKNOWN, ['patient/own', 'STATEMENT_INVALID'], ['*/*', 'NO_GRANT']],
  // Nothing here trusts a group: there is nothing to announce.
  'consents:announce': [...NOT_STAFF, ['*/*', 'NO_GRANT']],
  'audit:readLog': [...UNKNOWN, ['auditor/*', 'permit'], ['*/*', 'ROLE_NOT_ALLOWED']],
  'members:member': ANYBODY,
  'members:consortium': ANYBODY,
  'members:staff': ANY_MEMBER,
  'records:list': LISTED('nothing'),
  'records:metadata': LISTED('nothing'),
  'records:versions': LISTED('RECORD_UNKNOWN'),
  'records:origin': LISTED('RECORD_UNKNOWN'),
  'records:locate': ANYBODY,
  'consents:grants': SPEAKING,
  'consents:requests': [...UNKNOWN, ...NEITHER_AUDITORS_NOR_ADMINS, ...SPEAKING],
  'consents:accessRequest': SPEAKING,
  'consents:all': SPEAKING,
  'consents:mine': ANY_MEMBER,
  'consents:notices': SPEAKING,
  'consents:locateGrant': ANY_MEMBER,
  // For custodians, who are in no register; all organisations here are.
  'consents:evidence': [['no-attributes/*', 'CALLER_UNKNOWN'], ...ANYBODY],
  'access:emergencies': [
    ...UNKNOWN,
    ['*/own', 'permit'],
    ['*/represented', 'permit'],
    ['government/*', 'permit'],
    ['auditor/*', 'permit'],
    ['*/*', 'nothing'],
  ],
  'access:unreviewed': ANY_MEMBER,
  'audit:head': [
    ['no-attributes/*', 'CALLER_UNKNOWN'],
    ['*/*', 'permit'],
  ],
  'audit:entry': LOG_READING,
  'audit:lanes': VERIFYING,
  'audit:history': LOG_READING,
  'audit:verifyLane': VERIFYING,
};
