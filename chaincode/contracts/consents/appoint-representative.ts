import {
  DomainError,
  limits,
  parseRepresentationStatement,
  type RepresentationBody,
  type RepresentationId,
  requireRepresentation,
  type StoredStatement,
} from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { holdingsWrite, person, readHoldings } from '../../state/holder-index.js';
import { readMember } from '../../state/register-store.js';
import { inForce, readRepresentation, representationWrite } from '../../state/statement-store.js';
import type { WorldState } from '../../state/world-state.js';
import { isPatientOrStaff, requireThePatient } from '../acting-roles.js';
import { requireNext, requireSignedBy } from '../signed-statement.js';
import { requireRoom } from './bounded-ids.js';
import { requireEndWithin } from './give-grant.js';

/** The patient alone appoints: a representative who could would never have to go. */
export const appointRepresentative: Rule<'consents:appoint'> = async ({ state, channel, actor, input, timeMs }) => {
  const { patientId, representation } = input;
  requireThePatient(actor, patientId);
  const statement = parseRepresentationStatement(representation.text);
  requireSignedBy(actor, representation, statement, { channel, patientId });
  const { id: representationId, body } = statement;
  const isStored = (await readRepresentation(state, patientId, representationId)) !== undefined;
  if (isStored) throw new DomainError('VERSION_CONFLICT', `${representationId} is stored: appoint with a new id`);
  requireNext(statement, undefined);
  requireRepresentation(body, patientId);
  requireEndWithin(body.untilMs, timeMs);
  await requirePerson(state, body);
  const room = await requireRoom(
    state,
    { patientId, kind: 'representation', id: representationId },
    {
      read: (id: RepresentationId) => readRepresentation(state, patientId, id),
      isOver: (row) => isOver(row, timeMs),
    },
  );
  const holder = person(body.representative);
  const holdings = await readHoldings(state, patientId, holder);
  if (holdings.representationIds.length >= limits.CONSENT_ITEMS_MAX)
    throw new DomainError('TOO_MANY_GRANTS', `${holder.id} was appointed ${limits.CONSENT_ITEMS_MAX} times`);
  const representationIds = [...holdings.representationIds, representationId];
  const { untilMs } = body;
  return {
    outcome: { action: 'appoint', outcome: 'permit', representationId, grantee: holder, untilMs },
    writes: ({ txId }) => [
      representationWrite(patientId, representationId, inForce(representation, txId)),
      holdingsWrite(patientId, holder, { ...holdings, representationIds }),
      room,
    ],
  };
};

async function requirePerson(state: WorldState, { representative }: RepresentationBody): Promise<void> {
  const member = await readMember(state, representative);
  if (member === undefined || !isPatientOrStaff(member))
    throw new DomainError('MEMBER_UNKNOWN', `the register has no person ${representative} who can represent`);
}

function isOver({ statement, revocation }: StoredStatement, timeMs: number): boolean {
  return revocation !== undefined || parseRepresentationStatement(statement.text).body.untilMs <= timeMs;
}
