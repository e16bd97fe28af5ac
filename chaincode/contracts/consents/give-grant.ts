import {
  agencyId,
  DomainError,
  type GrantBody,
  type GrantId,
  type Grantee,
  isLive,
  limits,
  memberId,
  type Member,
  parseGrantStatement,
  type PatientId,
  requireSignature,
  type SignedStatement,
  type Statement,
} from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { newGrantWrites, readGrantOwner, readGrantsTo } from '../../state/grant-store.js';
import { readAgency, readMember } from '../../state/register-store.js';
import { verifySignature } from '../../state/verify-signature.js';
import type { WorldState, Write } from '../../state/world-state.js';
import { isPatientOrStaff, requireThePatient } from '../acting-roles.js';
import { requireOwnStatement } from './own-statement.js';

/** What a new grant needs to know of the call. */
export interface Giving {
  readonly state: WorldState;
  readonly channel: string;
  readonly patient: Member;
  readonly timeMs: number;
  readonly signed: SignedStatement;
}

export type GrantStatement = Statement<GrantBody> & { readonly id: GrantId };

const FIRST_VERSION = 1;

/** The patient gives access of its own accord. */
export const giveGrant: Rule<'consents:grant'> = async ({ state, channel, actor, input, timeMs }) => {
  requireThePatient(actor, input.patientId);
  const giving = { state, channel, patient: actor, timeMs, signed: input.grant };
  const statement = requireGivable(giving);
  if (statement.body.requestId !== undefined)
    throw new DomainError('STATEMENT_INVALID', 'it answers a request: send it to consents:approve');
  const writesOf = await requireNewGrant(giving, statement);
  const { purpose, grantee, untilMs } = statement.body;
  const outcome = { action: 'grant', outcome: 'permit', purpose, grantId: statement.id, grantee, untilMs } as const;
  return { outcome, writes: ({ txId }) => writesOf(txId) };
};

/**
 * The statement by itself: of this patient, signed with its pinned key, within the bounds of time.
 *
 * @throws DomainError STATEMENT_INVALID, SIGNATURE_INVALID, VERSION_CONFLICT, INPUT_INVALID, NOT_SUPPORTED
 */
export function requireGivable({ channel, patient, timeMs, signed }: Giving): GrantStatement {
  const statement = parseGrantStatement(signed.text);
  requireOwnStatement(statement, { channel, patient });
  if (statement.version !== FIRST_VERSION)
    throw new DomainError('VERSION_CONFLICT', `a new grant has version ${FIRST_VERSION}, not ${statement.version}`);
  requireSignature(signed, patient.signingKey, verifySignature);
  const { untilMs } = statement.body;
  if (untilMs <= timeMs) throw new DomainError('INPUT_INVALID', '/grant/untilMs must lie in the future');
  if (untilMs > timeMs + limits.GRANT_DURATION_MAX_MS)
    throw new DomainError('INPUT_INVALID', '/grant/untilMs must lie within ten years');
  return statement;
}

/**
 * The statement against what is stored.
 *
 * @returns the writes of the grant, given the transaction's id
 * @throws DomainError GRANT_EXISTS, MEMBER_UNKNOWN, TOO_MANY_GRANTS
 */
export async function requireNewGrant(
  { state, patient, timeMs, signed }: Giving,
  statement: GrantStatement,
): Promise<(txId: string) => readonly Write[]> {
  const { memberId: patientId } = patient;
  const { id: grantId, body } = statement;
  if ((await readGrantOwner(state, grantId)) !== undefined)
    throw new DomainError('GRANT_EXISTS', `grant ${grantId} is stored`);
  await requireGrantee(state, body.grantee, patientId);
  const given = await readGrantsTo(state, patientId, body.grantee);
  // A grant that begins later is kept; what was revoked or has ended leaves the index here, and only here.
  const kept = given.filter((grant) => isLive({ ...grant, fromMs: 0 }, timeMs)).map((grant) => grant.grantId);
  if (kept.length >= limits.GRANTS_PER_GRANTEE_MAX)
    throw new DomainError('TOO_MANY_GRANTS', `${body.grantee.id} holds ${kept.length} grants of this patient`);
  const { grantee } = body;
  return (txId) => newGrantWrites({ patientId, grantId, grantee, statement: signed, txId }, kept);
}

/** Whom `access:open` would turn away whatever it holds takes no grant: a permit that never works is a false promise. */
async function requireGrantee(state: WorldState, { kind, id }: Grantee, patientId: PatientId): Promise<void> {
  const found =
    kind === 'agency'
      ? await readAgency(state, agencyId(id, '/grantee/id'))
      : await readMember(state, memberId(id, '/grantee/id'));
  const takesGrants = found !== undefined && (!('role' in found) || isPatientOrStaff(found)) && id !== patientId;
  if (!takesGrants) throw new DomainError('MEMBER_UNKNOWN', `the register has no ${kind} ${id} that takes grants`);
}
