import { type GrantId, grantId, type PatientId, type RequestId, requestId } from '../ids.js';
import { ACTIONS, type Action, type Purpose, purpose } from '../vocabulary.js';
import { GRANT_USES_MAX } from '../limits.js';
import { distinct, integer, object, oneOf, optional, type Parse, timeMs } from '../shape.js';
import type { SignedStatement } from '../statement.js';
import { type Grantee, grantee } from './grantee.js';
import { standingOf } from './revocation.js';
import { type Scope, scope } from './scope.js';
import { parseStated, requireWindow, type Stated } from './stated.js';

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
  /** How many records may be opened under it in all, whatever its later versions say of other things. */
  readonly uses?: number;
  /** To an agency or a role: the register the patient saw. Who was named later needs a notice first. */
  readonly registerVersion?: number;
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

const action: Parse<Action> = oneOf(ACTIONS);

export const grantActions: Parse<readonly Action[]> = distinct(action, { min: 1, max: ACTIONS.length });

export const grantBody: Parse<GrantBody> = (value, pointer) => {
  const body = parseBody(value, pointer);
  requireWindow(body, pointer);
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
  uses: optional(integer({ min: 1, max: GRANT_USES_MAX })),
  registerVersion: optional(integer({ min: 1, max: 2 ** 31 })),
});

/** @throws DomainError STATEMENT_INVALID when it is no grant statement */
export function parseGrantStatement(text: string): Stated<GrantBody, GrantId> {
  return parseStated(text, { kind: 'grant', id: grantId, body: grantBody });
}

/** What the stored statements say now. Signatures are checked where they are stored and where keys are released. */
export function grantOf(stored: StoredGrant): Grant {
  const given = parseGrantStatement(stored.grant.text);
  return {
    ...given.body,
    grantId: given.id,
    patientId: given.patientId,
    ...standingOf('grant', given, stored.revocation?.text),
  };
}

/** Not revoked, begun, not ended; the end itself no longer counts. */
export function isLive(
  given: { readonly revoked: boolean; readonly fromMs: number; readonly untilMs: number },
  atMs: number,
): boolean {
  return !given.revoked && given.fromMs <= atMs && atMs < given.untilMs;
}
