import {
  DomainError,
  type GrantBody,
  type GrantId,
  limits,
  type Member,
  parseGrantStatement,
  type PatientId,
  requireGrantBody,
  type SignedStatement,
  type Statement,
} from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { newGrantWrites, readGrantOwner, readGrants, requireGrant } from '../../state/grant-store.js';
import { type Holdings, readHoldings } from '../../state/holder-index.js';
import type { WorldState, Write } from '../../state/world-state.js';
import { requireNext, requireSignedBy } from '../signed-statement.js';
import { requireGrantee, requireSeenRegister } from './grantee-check.js';
import { named, requireSpeaker } from './speaker.js';

/** What a grant needs to know of the call. */
export interface Giving {
  readonly state: WorldState;
  readonly channel: string;
  readonly patientId: PatientId;
  readonly actor: Member;
  readonly timeMs: number;
  readonly signed: SignedStatement;
}

export type GrantStatement = Statement<GrantBody> & { readonly id: GrantId };

/** The patient, or who speaks for it, gives access of its own accord. */
export const giveGrant: Rule<'consents:grant'> = async ({ state, channel, actor, input, timeMs }) => {
  const { patientId, grant: signed } = input;
  const giving = { state, channel, patientId, actor, timeMs, signed };
  const speaker = await requireSpeaker(giving);
  const statement = await requireGivable(giving);
  requireNext(statement, undefined);
  if (statement.body.requestId !== undefined)
    throw new DomainError('STATEMENT_INVALID', 'it answers a request: send it to consents:approve');
  const writesOf = await requireNewGrant(giving, statement);
  const { purpose, grantee, untilMs } = statement.body;
  return {
    outcome: {
      action: 'grant',
      outcome: 'permit',
      purpose,
      grantId: statement.id,
      grantee,
      untilMs,
      ...named(speaker),
    },
    writes: ({ txId }) => writesOf(txId),
  };
};

/**
 * The statement by itself: of this patient, signed with the key of who sends it, within the bounds of time.
 *
 * @throws DomainError STATEMENT_INVALID, SIGNATURE_INVALID, INPUT_INVALID, NOT_SUPPORTED
 */
export async function requireGivable(giving: Giving): Promise<GrantStatement> {
  const { state, actor, timeMs, signed } = giving;
  const statement = parseGrantStatement(signed.text);
  requireSignedBy(actor, signed, statement, giving);
  const { body } = statement;
  requireGrantBody(body);
  requireEndWithin(body.untilMs, timeMs);
  await requireSeenRegister(state, body.registerVersion);
  return statement;
}

/** @throws DomainError INPUT_INVALID */
export function requireEndWithin(untilMs: number, timeMs: number): void {
  if (untilMs <= timeMs) throw new DomainError('INPUT_INVALID', '/untilMs must lie in the future');
  if (untilMs > timeMs + limits.GRANT_DURATION_MAX_MS)
    throw new DomainError('INPUT_INVALID', '/untilMs must lie within ten years');
}

/**
 * The statement against what is stored.
 *
 * @returns the writes of the grant, given the transaction's id
 * @throws DomainError GRANT_EXISTS, MEMBER_UNKNOWN, GROUP_UNKNOWN, TOO_MANY_GRANTS
 */
export async function requireNewGrant(
  { state, patientId, timeMs, signed }: Giving,
  statement: GrantStatement,
): Promise<(txId: string) => readonly Write[]> {
  const { id: grantId, body } = statement;
  const { grantee } = body;
  if ((await readGrantOwner(state, grantId)) !== undefined)
    throw new DomainError('GRANT_EXISTS', `grant ${grantId} is stored`);
  await requireGrantee(state, grantee, patientId);
  const holdings = await readHoldings(state, patientId, grantee);
  const grantIds = await holdingGrants(state, { patientId, holdings, timeMs });
  if (grantIds.length >= limits.GRANTS_PER_GRANTEE_MAX)
    throw new DomainError('TOO_MANY_GRANTS', `${grantee.id} holds ${grantIds.length} grants of this patient`);
  return (txId) => newGrantWrites({ patientId, grantId, grantee, statement: signed, txId }, { ...holdings, grantIds });
}

/** A grant that begins later is kept; what was revoked or has ended leaves the index here, and only here. */
async function holdingGrants(
  state: WorldState,
  held: { patientId: PatientId; holdings: Holdings; timeMs: number },
): Promise<readonly GrantId[]> {
  const { patientId, holdings, timeMs } = held;
  const rows = await readGrants(state, patientId, holdings.grantIds);
  return holdings.grantIds.filter((grantId, index) => {
    const row = rows[index];
    const grant = row === undefined ? undefined : requireGrant(patientId, row, grantId);
    return grant !== undefined && !grant.revoked && timeMs < grant.untilMs;
  });
}
