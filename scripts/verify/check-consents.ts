import {
  type Grant,
  type GrantId,
  type Member,
  parseGrantStatement,
  parseRevocationStatement,
  parseStatement,
  patientIdOf,
  requireSignature,
  type SignedStatement,
  type Statement,
} from '@medledger/chaincode/domain';
import { verifySignature } from '../../gateway/custody/verify-signature.js';
import type { PeerView } from './check-lanes.js';
import { checkStatements, signatureFaults } from './check-statements.js';
import { CheckLog, type CheckResult } from './finding.js';
import { unlessInvalid } from './lane-walk.js';
import { GRANT_PREFIX, GRANTEE_PREFIX, granteeKey, grantKey, grantOwnerKey } from './state-keys.js';
import { type GrantRow, parseGrantIndex, parseGrantRow, parseOwner, readMember, statedGrant } from './stored-values.js';

/** Every grant and revocation in state: a statement that the patient signed, with the key that its id is made from. */
export async function checkConsents(view: PeerView): Promise<CheckResult> {
  const log = new CheckLog('consents', view.mspId, view.next);
  for await (const { key, text } of view.state.rows(GRANT_PREFIX)) {
    log.count('grants');
    const row = parseGrantRow(text);
    if (row?.revocation !== undefined) log.count('revocations');
    const faults = row === undefined ? ['no readable grant'] : faultsOfGrant(view, key, row);
    for (const fault of faults) log.found(key, fault);
  }
  await checkIndexes(view, log);
  await checkStatements(view, log);
  return log.result;
}

function faultsOfGrant(view: PeerView, key: string, row: GrantRow): readonly string[] {
  const grant = statedGrant(row);
  if (grant === undefined) return ['no readable statement'];
  if (key !== grantKey(grant.patientId, grant.grantId))
    return [`its statement is grant ${grant.grantId} of ${grant.patientId}`];
  const patient = readMember(view.state, grant.patientId);
  if (patient === undefined || !certifiesItself(patient))
    return ['its patient has no pinned key that the id is made from'];
  const owner = parseOwner(view.state.read(grantOwnerKey(grant.grantId)));
  return [
    ...(owner === grant.patientId ? [] : ['it is not filed under its patient']),
    ...statementFaults(view, row, patient),
    ...transactionFault(view, row, grant),
  ];
}

function certifiesItself({ memberId, signingKey, salt }: Member): boolean {
  return salt !== undefined && unlessInvalid(() => patientIdOf({ signingKey, salt })) === memberId;
}

function statementFaults(view: PeerView, { grant, revocation }: GrantRow, patient: Member): readonly string[] {
  const given = parseGrantStatement(grant.text);
  const faults = signerFaults(view, { signed: grant, statement: given, what: 'this grant' }, patient);
  if (revocation === undefined) return faults;
  const taken = parseRevocationStatement(revocation.text);
  const isAboutIt = taken.id === given.id && taken.patientId === given.patientId;
  return [
    ...faults,
    ...signerFaults(view, { signed: revocation, statement: taken, what: 'this revocation' }, patient),
    ...(isAboutIt ? [] : ['the revocation is about another grant']),
    ...(taken.version === given.version + 1 ? [] : [`the revocation has version ${taken.version}`]),
  ];
}

/** By the patient's pinned key in its epoch, or by somebody whom the patient appointed. */
function signerFaults(
  view: PeerView,
  said: { readonly signed: SignedStatement; readonly statement: Statement<unknown>; readonly what: string },
  patient: Member,
): readonly string[] {
  const { signed, statement, what } = said;
  if (statement.by !== undefined) return signatureFaults(view, signed, statement);
  return [
    isSigned(signed, patient) ? '' : `the patient did not sign ${what}`,
    statement.channel === view.channel ? '' : `it is of channel ${statement.channel}`,
    statement.keyEpoch === patient.keyEpoch ? '' : `it is of key epoch ${statement.keyEpoch}`,
  ].filter((fault) => fault !== '');
}

function isSigned(statement: SignedStatement, { signingKey }: Member): boolean {
  return (
    unlessInvalid(() => {
      requireSignature(statement, signingKey, verifySignature);
      return true;
    }) ?? false
  );
}

const GIVING = ['consents:grant', 'consents:approve', 'consents:alter'];
const TAKING = ['consents:revoke'];

/** The last change was made by a valid transaction of the patient. */
function transactionFault({ index }: PeerView, row: GrantRow, grant: Grant): readonly string[] {
  const { txId, revocation } = row;
  const found = index.get(txId);
  if (found === undefined) return index.unreadable.length > 0 ? [] : [`no block holds its transaction ${txId}`];
  const expected = revocation === undefined ? GIVING : TAKING;
  const changed = statementOf(row);
  const sender = parseStatement(changed.text, (body) => body).by ?? grant.patientId;
  const fits = found.code === 'VALID' && expected.includes(found.transaction) && found.memberId === sender;
  return fits ? [] : [`transaction ${txId} is ${found.transaction} by ${found.memberId || 'nobody'}, ${found.code}`];
}

/** What was said last. */
function statementOf({ grant, revocation }: GrantRow): SignedStatement {
  return revocation ?? grant;
}

/** Decisions find grants through these lists: each must name grants of this patient to this grantee. */
async function checkIndexes({ state }: PeerView, log: CheckLog): Promise<void> {
  for await (const { key, text } of state.rows(GRANTEE_PREFIX)) {
    const [, patientId = ''] = key.split('~');
    const isRight = (grantId: GrantId): boolean => {
      const row = parseGrantRow(state.read(grantKey(patientId, grantId)));
      const grantee = row === undefined ? undefined : statedGrant(row)?.grantee;
      return grantee !== undefined && granteeKey(patientId, grantee) === key;
    };
    const grantIds = parseGrantIndex(text);
    if (grantIds === undefined) log.found(key, 'no readable list of grants');
    for (const wrong of (grantIds ?? []).filter((grantId) => !isRight(grantId)))
      log.found(key, `it names grant ${wrong}, which is not there or has another grantee`);
  }
}
