import { DomainError, parseDelegationStatement } from '../../domain/index.js';
import type { Ruling } from '../../state/lane-call.js';
import { delegationWrite, readDelegation } from '../../state/statement-store.js';
import { requireNext } from '../signed-statement.js';
import { requireSignedRevocation, type RevocationOf, type Revoking } from './revoke.js';
import { named, requireSpeaker } from './speaker.js';

/** By the delegate who passed it on, or by the patient, who may take back whatever rests on a grant of its own. */
export async function revokeDelegation(request: Revoking, statement: RevocationOf<'delegation'>): Promise<Ruling> {
  const { state, actor, input, timeMs } = request;
  const { patientId, revocation } = input;
  const { id: delegationId } = statement;
  const row = await readDelegation(state, patientId, delegationId);
  if (row === undefined) throw new DomainError('DELEGATION_UNKNOWN', `patient ${patientId} has no ${delegationId}`);
  const given = parseDelegationStatement(row.statement.text);
  const isOwn = given.by === actor.memberId;
  const speaker = isOwn ? {} : await requireSpeaker({ state, patientId, actor, timeMs });
  requireSignedRevocation(request, statement);
  if (row.revocation !== undefined) throw new DomainError('GRANT_REVOKED', `delegation ${delegationId} is revoked`);
  requireNext(statement, given.version);
  const { purpose, grantee, parentId: grantId } = given.body;
  return {
    outcome: { action: 'revoke', outcome: 'permit', purpose, delegationId, grantId, grantee, ...named(speaker) },
    writes: ({ txId }) => [delegationWrite(patientId, delegationId, { statement: row.statement, revocation, txId })],
  };
}
