import { type GroupId, type MemberId, memberId } from '../ids.js';
import { GROUP_MEMBERS_MAX } from '../limits.js';
import { distinct, object, type Parse } from '../shape.js';

/** People the patient names: family, or those who care together. The patient alone changes it; empty ends it. */
export interface CareGroupBody {
  readonly members: readonly MemberId[];
}

export interface CareGroup extends CareGroupBody {
  readonly groupId: GroupId;
  readonly version: number;
}

export const careGroupBody: Parse<CareGroupBody> = object({
  members: distinct(memberId, { min: 0, max: GROUP_MEMBERS_MAX }),
});
