import { DomainError, parseRepresentationStatement } from '../../domain/index.js';
import type { Ruling } from '../../state/lane-call.js';
import { readRepresentation, representationWrite } from '../../state/statement-store.js';
import { requireThePatient } from '../acting-roles.js';
import { requireNext } from '../signed-statement.js';
import { requireSignedRevocation, type RevocationOf, type Revoking } from './revoke.js';

/** By the patient, or by the representative who lays it down; never by another representative. */
export async function revokeRepresentation(
  request: Revoking,
  statement: RevocationOf<'representation'>,
): Promise<Ruling> {
  const { state, actor, input } = request;
  const { patientId, revocation } = input;
  const { id: representationId } = statement;
  const row = await readRepresentation(state, patientId, representationId);
  if (row === undefined)
    throw new DomainError('REPRESENTATION_UNKNOWN', `patient ${patientId} appointed no ${representationId}`);
  const given = parseRepresentationStatement(row.statement.text);
  if (given.body.representative !== actor.memberId) requireThePatient(actor, patientId);
  requireSignedRevocation(request, statement);
  if (row.revocation !== undefined)
    throw new DomainError('GRANT_REVOKED', `representation ${representationId} is revoked`);
  requireNext(statement, given.version);
  const grantee = { kind: 'person', id: given.body.representative } as const;
  return {
    outcome: { action: 'revoke', outcome: 'permit', representationId, grantee },
    writes: ({ txId }) => [
      representationWrite(patientId, representationId, { statement: row.statement, revocation, txId }),
    ],
  };
}
