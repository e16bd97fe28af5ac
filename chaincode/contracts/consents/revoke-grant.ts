import { DomainError, parseRevocationStatement, requireSignature } from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { grantWrite, readGrant, requireGrant } from '../../state/grant-store.js';
import { verifySignature } from '../../state/verify-signature.js';
import { requireThePatient } from '../acting-roles.js';
import { requireOwnStatement } from './own-statement.js';

/** A new version of the grant, under the key that every opening reads: what was endorsed before is then invalid. */
export const revokeGrant: Rule<'consents:revoke'> = async ({ state, channel, actor, input }) => {
  const { patientId, revocation } = input;
  requireThePatient(actor, patientId);
  const statement = parseRevocationStatement(revocation.text);
  requireOwnStatement(statement, { channel, patient: actor });
  requireSignature(revocation, actor.signingKey, verifySignature);
  const row = await readGrant(state, patientId, statement.id);
  if (row === undefined) throw new DomainError('GRANT_UNKNOWN', `patient ${patientId} gave no grant ${statement.id}`);
  const grant = requireGrant(patientId, row, statement.id);
  if (grant.revoked) throw new DomainError('GRANT_REVOKED', `grant ${statement.id} is revoked`);
  if (statement.version !== grant.version + 1)
    throw new DomainError('VERSION_CONFLICT', `the next version is ${grant.version + 1}, not ${statement.version}`);
  const { purpose, grantee } = grant;
  return {
    outcome: { action: 'revoke', outcome: 'permit', purpose, grantId: statement.id, grantee },
    writes: ({ txId }) => [grantWrite(patientId, statement.id, { grant: row.grant, revocation, txId })],
  };
};
