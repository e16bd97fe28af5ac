import type { DelegationId, GrantId, MemberId } from '../ids.js';
import { grantId } from '../ids.js';
import { distinct, integer, object, oneOf, optional, type Parse, timeMs } from '../shape.js';
import { type Purpose, purpose } from '../vocabulary.js';
import { type Grantee, grantee } from './grantee.js';
import { type Scope, scope } from './scope.js';

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

export const delegationBody: Parse<DelegationBody> = object({
  parentId: grantId,
  grantee: passedOnTo,
  actions: distinct<'read' | 'add'>(oneOf(['read', 'add']), { min: 1, max: 2 }),
  scope,
  purpose,
  fromMs: timeMs,
  untilMs: timeMs,
  registerVersion: optional(integer({ min: 1, max: 2 ** 31 })),
});
