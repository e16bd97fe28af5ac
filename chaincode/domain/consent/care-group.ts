import { type GroupId, groupId, type MemberId, memberId } from '../ids.js';
import { GROUP_MEMBERS_MAX } from '../limits.js';
import { distinct, object, type Parse } from '../shape.js';
import type { SignedStatement } from '../statement.js';
import { parseStated, type Stated } from './stated.js';

/** People the patient names: family, or those who care together. The patient alone changes it; empty ends it. */
export interface CareGroupBody {
  readonly members: readonly MemberId[];
}

export interface CareGroup extends CareGroupBody {
  readonly groupId: GroupId;
  readonly version: number;
}

/** @throws DomainError STATEMENT_INVALID when it is no group statement */
export function parseGroupStatement(text: string): Stated<CareGroupBody, GroupId> {
  return parseStated(text, { kind: 'group', id: groupId, body: careGroupBody });
}

/** What the stored statement says now. */
export function careGroupOf(stored: SignedStatement): CareGroup {
  const { id, version, body } = parseGroupStatement(stored.text);
  return { ...body, groupId: id, version };
}

export const careGroupBody: Parse<CareGroupBody> = object({
  members: distinct(memberId, { min: 0, max: GROUP_MEMBERS_MAX }),
});
