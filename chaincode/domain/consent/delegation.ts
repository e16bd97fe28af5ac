import type { StoredStatement } from '../answers.js';
import { type DelegationId, delegationId, type GrantId, grantId, type MemberId } from '../ids.js';
import { distinct, integer, object, oneOf, optional, type Parse, timeMs } from '../shape.js';
import { type Purpose, purpose } from '../vocabulary.js';
import { type Grantee, grantee } from './grantee.js';
import { standingOf } from './revocation.js';
import { type Scope, scope } from './scope.js';
import { parseStated, requireBy, requireWindow, type Stated } from './stated.js';

/** What a delegate passes on of a grant it holds. It ends with its parent, which every decision reads. */
export interface DelegationBody {
  readonly parentId: GrantId;
  /** A person or an agency: depth is 1. */
  readonly grantee: Grantee;
  readonly actions: readonly ('read' | 'add')[];
  readonly scope: Scope;
  readonly purpose: Purpose;
  readonly fromMs: number;
  readonly untilMs: number;
  /** To an agency: the register the delegate saw. */
  readonly registerVersion?: number;
}

export interface Delegation extends DelegationBody {
  readonly delegationId: DelegationId;
  /** Who signed it: the parent's grantee. */
  readonly delegateId: MemberId;
  readonly version: number;
  readonly revoked: boolean;
}

const passedOnTo: Parse<Grantee> = (value, pointer) => {
  oneOf(['person', 'agency'])((value as { kind?: unknown } | null)?.kind, `${pointer}/kind`);
  return grantee(value, pointer);
};

/** @throws DomainError STATEMENT_INVALID when it is no delegation statement, or names nobody who signed it */
export function parseDelegationStatement(
  text: string,
): Stated<DelegationBody, DelegationId> & { readonly by: MemberId } {
  const statement = parseStated(text, { kind: 'delegation', id: delegationId, body: delegationBody });
  return { ...statement, by: requireBy(statement) };
}

/** What the stored statements say now. */
export function delegationOf(stored: StoredStatement): Delegation {
  const said = parseDelegationStatement(stored.statement.text);
  return {
    ...said.body,
    delegationId: said.id,
    delegateId: said.by,
    ...standingOf('delegation', said, stored.revocation?.text),
  };
}

export const delegationBody: Parse<DelegationBody> = (value, pointer) => {
  const body = parseBody(value, pointer);
  requireWindow(body, pointer);
  return body;
};

const parseBody: Parse<DelegationBody> = object({
  parentId: grantId,
  grantee: passedOnTo,
  actions: distinct<'read' | 'add'>(oneOf(['read', 'add']), { min: 1, max: 2 }),
  scope,
  purpose,
  fromMs: timeMs,
  untilMs: timeMs,
  registerVersion: optional(integer({ min: 1, max: 2 ** 31 })),
});
