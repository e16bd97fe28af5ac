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
  const statement = parseRevocationStatement(request.input.revocation.text);
  if (statement.takes === 'grant') return revokeGrant(request, statement);
  if (statement.takes === 'delegation') return revokeDelegation(request, statement);
  return revokeRepresentation(request, statement);
};

/** Whoever may take it back says so with the own key. */
export function requireSignedRevocation({ channel, actor, input }: Revoking, statement: Revocation): void {
  const { patientId, revocation } = input;
  requireSignedBy(actor, revocation, statement, { channel, patientId });
}
