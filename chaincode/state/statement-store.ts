import type {
  DelegationId,
  GroupId,
  PatientId,
  RepresentationId,
  SignedStatement,
  StoredStatement,
} from '../domain/index.js';
import {
  delegationKey,
  delegationsPrefix,
  groupKey,
  groupsPrefix,
  policyKey,
  representationKey,
  representationsPrefix,
  statementIdsKey,
} from './keys.js';
import { jsonWrite, parseStored, readJson } from './stored-json.js';
import type { WorldState, Write } from './world-state.js';

/** A statement as it lies in state: the version in force, and the one that took it back. */
export interface StatementRow extends StoredStatement {
  /** Transaction of the last change. */
  readonly txId: string;
}

export const readPolicy = (state: WorldState, patientId: PatientId): Promise<StatementRow | undefined> =>
  readJson(state, policyKey(patientId));
export const policyWrite = (patientId: PatientId, row: StatementRow): Write => jsonWrite(policyKey(patientId), row);

export const { read: readGroup, write: groupWrite } = rowsAt<GroupId>(groupKey);
export const { read: readRepresentation, write: representationWrite } = rowsAt<RepresentationId>(representationKey);
export const { read: readDelegation, write: delegationWrite } = rowsAt<DelegationId>(delegationKey);

/** The rows of one kind, each at a key of its own. */
function rowsAt<Id extends string>(keyOf: (patientId: PatientId, id: Id) => string) {
  return {
    read: (state: WorldState, patientId: PatientId, id: Id): Promise<StatementRow | undefined> =>
      readJson(state, keyOf(patientId, id)),
    write: (patientId: PatientId, id: Id, row: StatementRow): Write => jsonWrite(keyOf(patientId, id), row),
  };
}

/** Kinds of which a patient has many; grants have a store of their own. */
export type ManyKind = 'group' | 'representation' | 'delegation';

interface StatementIds<Id extends string> {
  readonly ids: readonly Id[];
}

export async function readStatementIds<Id extends string>(
  state: WorldState,
  patientId: PatientId,
  kind: ManyKind,
): Promise<readonly Id[]> {
  return (await readJson<StatementIds<Id>>(state, statementIdsKey(patientId, kind)))?.ids ?? [];
}

export const statementIdsWrite = (patientId: PatientId, kind: ManyKind, ids: readonly string[]): Write =>
  jsonWrite(statementIdsKey(patientId, kind), { ids });

const PREFIXES = { group: groupsPrefix, representation: representationsPrefix, delegation: delegationsPrefix };

/** All of one kind, in order of id. For queries only. */
export async function listStatements(
  state: WorldState,
  patientId: PatientId,
  kind: ManyKind,
  pageItems: number,
): Promise<readonly StoredStatement[]> {
  const prefix = PREFIXES[kind](patientId);
  const rows = await state.all(prefix, pageItems);
  return rows.map(({ place, text }) => statementsOf(parseStored<StatementRow>(`${prefix}${place}`, text)));
}

/** The statements alone. */
export function statementsOf({ statement, revocation }: StatementRow): StoredStatement {
  return revocation === undefined ? { statement } : { statement, revocation };
}

/** The first version of something, or a later one in its place. */
export function inForce(statement: SignedStatement, txId: string): StatementRow {
  return { statement, txId };
}
