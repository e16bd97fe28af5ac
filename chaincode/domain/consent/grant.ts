import { DomainError } from '../errors.js';
import { agencyId, type GrantId, grantId, memberId, type PatientId, type RequestId, requestId } from '../ids.js';
import { ACTIONS, type Action, type Purpose, purpose } from '../vocabulary.js';
import { distinct, notSupported, object, oneOf, optional, type Parse, timeMs } from '../shape.js';
import { parseStatement, type SignedStatement, type Statement, type StatementKind } from '../statement.js';
import { type Scope, scope } from './scope.js';

export type Grantee = { readonly kind: 'person' | 'agency'; readonly id: string };

/** What the patient gives: to whom, for what, over which records, from when until when. */
export interface GrantBody {
  readonly grantee: Grantee;
  readonly actions: readonly Action[];
  readonly scope: Scope;
  readonly purpose: Purpose;
  readonly fromMs: number;
  /** The first millisecond in which it no longer holds. */
  readonly untilMs: number;
  /** The request this answers. */
  readonly requestId?: RequestId;
}

/** A grant as the rules read it: what was signed last. */
export interface Grant extends GrantBody {
  readonly grantId: GrantId;
  readonly patientId: PatientId;
  readonly version: number;
  readonly revoked: boolean;
}

/** A grant as it lies in state: the statement that gave it, and the one that took it back. */
export interface StoredGrant {
  readonly grant: SignedStatement;
  readonly revocation?: SignedStatement;
}

const granteeKind: Parse<'person' | 'agency'> = (value, pointer) => {
  if (value === 'role') notSupported()(value, pointer);
  return oneOf(['person', 'agency'])(value, pointer);
};

export const grantee: Parse<Grantee> = (value, pointer) => {
  const parsed = object({ kind: granteeKind, id: memberId })(value, pointer);
  return { kind: parsed.kind, id: parsed.kind === 'agency' ? agencyId(parsed.id, `${pointer}/id`) : parsed.id };
};

const supportedAction: Parse<Action> = (value, pointer) => {
  if (value === 'share') notSupported()(value, pointer);
  return oneOf(['read', 'add'])(value, pointer);
};

export const grantActions: Parse<readonly Action[]> = distinct(supportedAction, { min: 1, max: ACTIONS.length });

export const grantBody: Parse<GrantBody> = (value, pointer) => {
  const body = parseBody(value, pointer);
  if (body.untilMs <= body.fromMs) throw new DomainError('INPUT_INVALID', `${pointer}/untilMs must be after fromMs`);
  return body;
};

const parseBody = object({
  grantee,
  actions: grantActions,
  scope,
  purpose,
  fromMs: timeMs,
  untilMs: timeMs,
  requestId: optional(requestId),
  uses: notSupported(),
});

export const revocationBody: Parse<Record<string, never>> = object({});

/** @throws DomainError STATEMENT_INVALID when it is no grant statement */
export function parseGrantStatement(text: string): Statement<GrantBody> & { id: GrantId } {
  return aboutGrant(parseStatement(text, grantBody), 'grant');
}

/** @throws DomainError STATEMENT_INVALID when it is no revocation */
export function parseRevocationStatement(text: string): Statement<unknown> & { id: GrantId } {
  return aboutGrant(parseStatement(text, revocationBody), 'revocation');
}

function aboutGrant<Body>(statement: Statement<Body>, kind: StatementKind): Statement<Body> & { id: GrantId } {
  if (statement.kind !== kind || !statement.id.startsWith('g'))
    throw new DomainError('STATEMENT_INVALID', `the statement is no ${kind} with a grant id`);
  return { ...statement, id: grantId(statement.id, '/statement/id') };
}

/** What the stored statements say now. Signatures are checked where they are stored and where keys are released. */
export function grantOf(stored: StoredGrant): Grant {
  const given = parseGrantStatement(stored.grant.text);
  const taken = stored.revocation === undefined ? undefined : parseRevocationStatement(stored.revocation.text);
  return {
    ...given.body,
    grantId: given.id,
    patientId: given.patientId,
    version: taken?.version ?? given.version,
    revoked: taken !== undefined,
  };
}
