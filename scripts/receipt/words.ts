import { type Basis, ERRORS, type ErrorCode, isErrorCode, logLinesOf, type LogLine } from '@medledger/chaincode/domain';
import type { Decision } from './check-entry.js';
import type { ReceiptCase } from './receipt-case.js';

const ACTIONS: Readonly<Record<LogLine['action'], string>> = {
  register: 'register',
  add: 'add records',
  open: 'read records',
  request: 'ask for access',
  approve: 'approve a request',
  refuse: 'refuse a request',
  grant: 'give access',
  alter: 'alter a grant',
  revoke: 'take something back',
  policy: 'set the policy',
  group: 'name a care group',
  appoint: 'appoint a representative',
  delegate: 'pass access on',
  announce: 'announce a membership',
  emergency: 'read in an emergency',
  review: 'review an emergency',
  'read-log': 'read the access log',
};

/** Who wanted what of whom, when, and what came of it: one line for each kind of decision in the entry. */
export function decisionInWords({ receipt }: ReceiptCase, { entry, answer }: Decision): readonly string[] {
  const { memberId, patientId, timeMs } = entry;
  const actor = receipt.evidence?.actor;
  const at =
    actor === undefined ? '' : ` (${[actor.role, actor.agencyId, actor.organisation].filter(isSaid).join(', ')})`;
  const when = new Date(timeMs).toISOString();
  const whom = memberId === patientId ? 'about itself' : `of patient ${patientId}`;
  return logLinesOf(answer.outcome).map((line) => {
    const records = line.recordIds.length === 0 ? '' : ` ${line.recordIds.join(', ')}`;
    const purpose = line.purpose === undefined ? '' : ` for ${line.purpose}`;
    return `${when} ${memberId}${at} wanted to ${ACTIONS[line.action]}${records} ${whom}${purpose}: ${verdict(line)}`;
  });
}

function isSaid(word: string | undefined): word is string {
  return word !== undefined;
}

function verdict({ outcome, code, basis }: LogLine): string {
  if (outcome === 'permit') return basis === undefined ? 'done' : `permitted, ${basisInWords(basis)}`;
  return `refused, ${code ?? 'without a code'}${code !== undefined && isErrorCode(code) ? ` (${textOf(code)})` : ''}`;
}

function textOf(code: ErrorCode): string {
  return ERRORS[code].text;
}

function basisInWords(basis: Basis): string {
  switch (basis.kind) {
    case 'own':
      return "being the patient's own";
    case 'grant':
      return `by grant ${basis.grantId}, version ${basis.version}`;
    case 'delegation':
      return `by delegation ${basis.delegationId} of grant ${basis.grantId}, version ${basis.grantVersion}`;
    case 'policy':
      return `by the patient's policy, version ${basis.version}`;
    case 'emergency':
      return `in emergency ${basis.emergencyId}, by the patient's policy, version ${basis.policyVersion}`;
    case 'representation':
      return `acting for the patient, by representation ${basis.representationId}`;
  }
}
