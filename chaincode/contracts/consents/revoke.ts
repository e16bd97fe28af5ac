import { parseRevocationStatement, type Revocation } from '../../domain/index.js';
import type { Request, Rule } from '../../state/extend-lane.js';
import { requireSignedBy } from '../signed-statement.js';
import { revokeDelegation } from './revoke-delegation.js';
import { revokeGrant } from './revoke-grant.js';
import { revokeRepresentation } from './revoke-representation.js';

export type Revoking = Request<'consents:revoke'>;
/** The statement that takes back one kind of thing. */
export type RevocationOf<T extends Revocation['takes']> = Extract<Revocation, { takes: T }>;

/** Takes back what the statement's id names, once and for all. Who signs it sends it. */
export const revoke: Rule<'consents:revoke'> = async (request) => {
  const { channel, actor, input } = request;
  const { patientId, revocation } = input;
  const statement = parseRevocationStatement(revocation.text);
  requireSignedBy(actor, revocation, statement, { channel, patientId });
  if (statement.takes === 'grant') return revokeGrant(request, statement);
  if (statement.takes === 'delegation') return revokeDelegation(request, statement);
  return revokeRepresentation(request, statement);
};
