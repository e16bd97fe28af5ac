import type { GrantId, MemberId, PatientId, RequestId } from '../ids.js';
import type { Action, Purpose } from '../vocabulary.js';
import type { Grantee } from './grantee.js';
import type { Scope } from './scope.js';

export type RequestStatus = 'pending' | 'approved' | 'refused';

/** Staff asks; nothing is given until the patient answers. Free text lies sealed in the vault, its hash here. */
export interface StoredAccessRequest {
  readonly requestId: RequestId;
  readonly patientId: PatientId;
  readonly requesterId: MemberId;
  /** Who is to receive it, where that is not who asks: a referral, or a transfer to another hospital. */
  readonly grantee?: Grantee;
  readonly actions: readonly Action[];
  readonly scope: Scope;
  readonly purpose: Purpose;
  /** End of what is asked for; a request not answered by then has lapsed. */
  readonly untilMs: number;
  readonly reasonSha256: string;
  readonly reasonCid: string;
  readonly requestedAtMs: number;
  readonly status: RequestStatus;
  readonly grantId?: GrantId;
}

/** Silence never gives access: an unanswered request simply lapses. */
export function isOpen(request: StoredAccessRequest, atMs: number): boolean {
  return request.status === 'pending' && atMs < request.untilMs;
}
