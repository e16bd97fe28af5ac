import {
  type DelegationId,
  type Member,
  parseDelegationStatement,
  parseEmergencyStatement,
  parseGroupStatement,
  parsePolicyStatement,
  parseRepresentationStatement,
  parseRevocationStatement,
  type PatientId,
  requireSignature,
  type SignedStatement,
  type Statement,
} from '@medledger/chaincode/domain';
import { verifySignature } from '../../gateway/custody/verify-signature.js';
import type { PeerView } from './check-lanes.js';
import type { CheckLog } from './finding.js';
import { unlessInvalid } from './lane-walk.js';
import {
  DELEGATION_PREFIX,
  EMERGENCY_PREFIX,
  GROUP_PREFIX,
  POLICY_PREFIX,
  REPRESENTATION_PREFIX,
} from './state-keys.js';
import { parseEmergency, parseHoldings, parseStatementRow, readMember } from './stored-values.js';

/** A statement as some row holds it, with the one that took it back. */
interface HeldStatement {
  readonly statement: SignedStatement;
  readonly revocation?: SignedStatement | undefined;
  readonly txId: string;
}

/** One kind of statement in state: where it lies, how it is read, and which transactions put it there. */
interface StatementKindInState {
  readonly what: string;
  readonly prefix: string;
  read(text: string): HeldStatement | undefined;
  parse(text: string): Statement<unknown>;
  /** Part of the key behind the patient's id; none where a patient has one only. */
  place(statement: Statement<unknown>): string;
  readonly transactions: readonly string[];
}

const KINDS: readonly StatementKindInState[] = [
  {
    what: 'policies',
    prefix: POLICY_PREFIX,
    read: parseStatementRow,
    parse: parsePolicyStatement,
    place: () => '',
    transactions: ['consents:setPolicy', 'members:registerPatient'],
  },
  {
    what: 'groups',
    prefix: GROUP_PREFIX,
    read: parseStatementRow,
    parse: parseGroupStatement,
    place: ({ id }) => `~${id}`,
    transactions: ['consents:setGroup'],
  },
  {
    what: 'representations',
    prefix: REPRESENTATION_PREFIX,
    read: parseStatementRow,
    parse: parseRepresentationStatement,
    place: ({ id }) => `~${id}`,
    transactions: ['consents:appoint', 'consents:revoke'],
  },
  {
    what: 'delegations',
    prefix: DELEGATION_PREFIX,
    read: parseStatementRow,
    parse: parseDelegationStatement,
    place: ({ id }) => `~${id}`,
    transactions: ['consents:delegate', 'consents:revoke'],
  },
  {
    what: 'emergencies',
    prefix: EMERGENCY_PREFIX,
    read: (text) => {
      const row = parseEmergency(text);
      return row === undefined ? undefined : { statement: row.declaration, txId: row.txId };
    },
    parse: parseEmergencyStatement,
    place: ({ id }) => `~${id}`,
    transactions: ['access:emergency'],
  },
];

/** Every other statement in state than grants: signed by who may say it, where it lies, and brought by a transaction. */
export async function checkStatements(view: PeerView, log: CheckLog): Promise<void> {
  for (const kind of KINDS) await checkKind(view, kind, log);
}

async function checkKind(view: PeerView, kind: StatementKindInState, log: CheckLog): Promise<void> {
  for await (const { key, text } of view.state.rows(kind.prefix)) {
    log.count(kind.what);
    const row = typeof text === 'string' ? kind.read(text) : undefined;
    const faults = row === undefined ? ['no readable statement'] : faultsOfRow(view, kind, { key, row });
    for (const fault of faults) log.found(key, fault);
  }
}

function faultsOfRow(
  view: PeerView,
  kind: StatementKindInState,
  { key, row }: { key: string; row: HeldStatement },
): readonly string[] {
  const statement = unlessInvalid(() => kind.parse(row.statement.text));
  if (statement === undefined) return ['no readable statement'];
  const { patientId } = statement;
  if (key !== `${kind.prefix}${patientId}${kind.place(statement)}`)
    return [`its statement is ${statement.kind} ${statement.id} of ${patientId}`];
  return [
    ...signatureFaults(view, row.statement, statement),
    ...(row.revocation === undefined ? [] : revocationFaults(view, row.revocation, statement)),
    ...transactionFaults(view, row.txId, kind.transactions),
  ];
}

/**
 * Whether the key of who says it signed it. That a representative had been appointed, and that a delegate held the
 * parent, was decided when it was stored: here it is enough that the patient, or somebody registered, signed.
 */
export function signatureFaults(
  { state, channel }: Pick<PeerView, 'state' | 'channel'>,
  signed: SignedStatement,
  statement: Statement<unknown>,
): readonly string[] {
  const signerId = statement.by ?? statement.patientId;
  const signer = readMember(state, signerId);
  const isBySigner = signer !== undefined && isSigned(signed, signer);
  return [
    statement.channel === channel ? '' : `it is of channel ${statement.channel}`,
    isBySigner ? '' : `${signerId} did not sign it`,
    signerId === statement.patientId || maySay({ state }, statement) ? '' : `the patient appointed no ${signerId}`,
  ].filter((fault) => fault !== '');
}

/** Somebody else than the patient says delegations and emergencies in the own name, everything else as representative. */
function maySay({ state }: Pick<PeerView, 'state'>, { kind, id, by, patientId }: Statement<unknown>): boolean {
  if (kind === 'delegation' || kind === 'emergency') return true;
  if (kind === 'revocation' && id.startsWith('d') && delegateOf(state, patientId, id) === by) return true;
  return by !== undefined && isRepresentative(state, patientId, by);
}

function delegateOf(state: PeerView['state'], patientId: PatientId, id: string | DelegationId): string | undefined {
  const row = parseStatementRow(state.read(`${DELEGATION_PREFIX}${patientId}~${id}`));
  return row === undefined ? undefined : unlessInvalid(() => parseDelegationStatement(row.statement.text).by);
}

/** Ever: what a representative signed outlives the representation. */
function isRepresentative(state: PeerView['state'], patientId: PatientId, memberId: string): boolean {
  const { representationIds } = parseHoldings(state.read(`grantee~${patientId}~person~${memberId}`));
  return representationIds.some((id) => {
    const row = parseStatementRow(state.read(`${REPRESENTATION_PREFIX}${patientId}~${id}`));
    const said = row === undefined ? undefined : unlessInvalid(() => parseRepresentationStatement(row.statement.text));
    return said?.body.representative === memberId;
  });
}

function revocationFaults(view: PeerView, signed: SignedStatement, of: Statement<unknown>): readonly string[] {
  const revocation = unlessInvalid(() => parseRevocationStatement(signed.text));
  if (revocation === undefined) return ['its revocation cannot be read'];
  const isAboutIt = revocation.id === of.id && revocation.patientId === of.patientId;
  return [
    ...(isAboutIt ? [] : ['the revocation is about something else']),
    ...(revocation.version === of.version + 1 ? [] : [`the revocation has version ${revocation.version}`]),
    ...signatureFaults(view, signed, revocation),
  ];
}

function isSigned(statement: SignedStatement, { signingKey }: Member): boolean {
  const signed = unlessInvalid(() => {
    requireSignature(statement, signingKey, verifySignature);
    return true;
  });
  return signed ?? false;
}

function transactionFaults({ index }: PeerView, txId: string, expected: readonly string[]): readonly string[] {
  const found = index.get(txId);
  if (found === undefined) return index.unreadable.length > 0 ? [] : [`no block holds its transaction ${txId}`];
  const fits = found.code === 'VALID' && expected.includes(found.transaction);
  return fits ? [] : [`transaction ${txId} is ${found.transaction}, ${found.code}`];
}
