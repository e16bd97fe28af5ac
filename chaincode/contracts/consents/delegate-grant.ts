import {
  type DelegationBody,
  type DelegationId,
  delegationOf,
  DomainError,
  type Grant,
  type GrantId,
  limits,
  parseDelegationStatement,
  type PatientId,
  requirePassedOn,
  type StoredStatement,
} from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { readGrant, requireGrant } from '../../state/grant-store.js';
import { holdingsWrite, readHoldings } from '../../state/holder-index.js';
import { delegationWrite, inForce, readDelegation } from '../../state/statement-store.js';
import type { WorldState, Write } from '../../state/world-state.js';
import { requireNext, requireSignedBy } from '../signed-statement.js';
import { requireRoom } from './bounded-ids.js';
import { requireEndWithin } from './give-grant.js';
import { requireGrantee, requireSeenRegister } from './grantee-check.js';

/** A delegate passes on what it holds, or less, with the own signature. The parent is read again at each decision. */
export const delegateGrant: Rule<'consents:delegate'> = async ({ state, channel, actor, input, timeMs }) => {
  const { patientId, delegation } = input;
  const statement = parseDelegationStatement(delegation.text);
  requireSignedBy(actor, delegation, statement, { channel, patientId });
  const { id: delegationId, body } = statement;
  const { parentId: grantId, grantee, purpose, untilMs } = body;
  const isStored = (await readDelegation(state, patientId, delegationId)) !== undefined;
  if (isStored) throw new DomainError('VERSION_CONFLICT', `${delegationId} is stored: pass on with a new id`);
  requireNext(statement, undefined);
  requireEndWithin(untilMs, timeMs);
  requirePassedOn(delegationOf({ statement: delegation }), await readParent(state, patientId, grantId), timeMs);
  await requireGrantee(state, grantee, patientId);
  await requireSeenRegister(state, body.registerVersion);
  const index = await requirePlace(state, { patientId, delegationId, body, timeMs });
  return {
    outcome: { action: 'delegate', outcome: 'permit', purpose, delegationId, grantId, grantee, untilMs },
    writes: ({ txId }) => [delegationWrite(patientId, delegationId, inForce(delegation, txId)), ...index],
  };
};

async function readParent(state: WorldState, patientId: PatientId, grantId: GrantId): Promise<Grant | undefined> {
  const row = await readGrant(state, patientId, grantId);
  return row === undefined ? undefined : requireGrant(patientId, row, grantId);
}

async function requirePlace(
  state: WorldState,
  passing: { patientId: PatientId; delegationId: DelegationId; body: DelegationBody; timeMs: number },
): Promise<readonly Write[]> {
  const { patientId, delegationId, body, timeMs } = passing;
  const { grantee } = body;
  const read = (id: DelegationId) => readDelegation(state, patientId, id);
  const isOver = (row: StoredStatement) => hasEnded(row, timeMs);
  const room = await requireRoom(state, { patientId, kind: 'delegation', id: delegationId }, { read, isOver });
  const holdings = await readHoldings(state, patientId, grantee);
  const kept: DelegationId[] = [];
  for (const id of holdings.delegationIds) {
    const row = await read(id);
    if (row !== undefined && !isOver(row)) kept.push(id);
  }
  if (kept.length >= limits.CONSENT_ITEMS_MAX)
    throw new DomainError('TOO_MANY_GRANTS', `${grantee.id} holds ${kept.length} delegations of this patient`);
  return [room, holdingsWrite(patientId, grantee, { ...holdings, delegationIds: [...kept, delegationId] })];
}

function hasEnded({ statement, revocation }: StoredStatement, timeMs: number): boolean {
  return revocation !== undefined || parseDelegationStatement(statement.text).body.untilMs <= timeMs;
}
