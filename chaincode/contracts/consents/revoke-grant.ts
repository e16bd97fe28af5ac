import { DomainError } from '../../domain/index.js';
import { grantWrite, readGrant, requireGrant } from '../../state/grant-store.js';
import type { Ruling } from '../../state/lane-call.js';
import { requireNext } from '../signed-statement.js';
import { requireSignedRevocation, type RevocationOf, type Revoking } from './revoke.js';
import { named, requireSpeaker } from './speaker.js';

/** A new version of the grant, under the key that every opening reads: what was endorsed before is then invalid. */
export async function revokeGrant(request: Revoking, statement: RevocationOf<'grant'>): Promise<Ruling> {
  const { state, actor, input, timeMs } = request;
  const { patientId, revocation } = input;
  const speaker = await requireSpeaker({ state, patientId, actor, timeMs });
  requireSignedRevocation(request, statement);
  const { id: grantId } = statement;
  const row = await readGrant(state, patientId, grantId);
  if (row === undefined) throw new DomainError('GRANT_UNKNOWN', `patient ${patientId} gave no grant ${grantId}`);
  const grant = requireGrant(patientId, row, grantId);
  if (grant.revoked) throw new DomainError('GRANT_REVOKED', `grant ${grantId} is revoked`);
  requireNext(statement, grant.version);
  const { purpose, grantee } = grant;
  return {
    outcome: { action: 'revoke', outcome: 'permit', purpose, grantId, grantee, ...named(speaker) },
    writes: ({ txId }) => [grantWrite(patientId, grantId, { grant: row.grant, revocation, txId })],
  };
}
