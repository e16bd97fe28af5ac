import type {
  AccessRequestAnswer,
  CareGroup,
  ChangePreview,
  Delegation,
  EmergencyReason,
  Notice,
  Policy,
  PolicyBody,
  RecordAccess,
  Representation,
  ReviewFinding,
  StoredEmergency,
  UnreviewedAnswer,
} from '@medledger/chaincode/domain';
import type { Caller, OpenedRecord, PageOf } from './medledger.js';

/** The use cases of consent: what patients give, take back and are asked for, and what holds in an emergency. */

/** What one call in an emergency gave: every record decided and logged for itself. */
export interface DeclaredEmergency {
  readonly emergencyId: string;
  readonly untilMs: number;
  readonly reviewDueMs: number;
  readonly transactionId: string;
  readonly records: readonly (
    | ({ readonly recordId: string; readonly outcome: 'permit' } & OpenedRecord)
    | { readonly recordId: string; readonly outcome: 'deny'; readonly code: string }
  )[];
}

export interface ScopeInput {
  readonly classes?: readonly string[];
  readonly records?: readonly string[];
  readonly labels?: readonly string[];
  readonly dataFromMs?: number;
  readonly dataUntilMs?: number;
}

export interface GranteeInput {
  readonly kind: string;
  readonly id: string;
  readonly agencyId?: string;
}

export interface GrantInput {
  readonly grantee: GranteeInput;
  readonly actions: readonly string[];
  readonly scope: ScopeInput;
  readonly purpose: string;
  readonly fromMs?: number;
  readonly untilMs: number;
  readonly uses?: number;
}

/** Whose grant it is and to whom cannot be altered. */
export type GrantChanges = Partial<Omit<GrantInput, 'grantee'>>;

export interface ListedGrant extends Omit<GrantInput, 'fromMs'> {
  readonly grantId: string;
  readonly registerVersion?: number;
  readonly fromMs: number;
  readonly used?: number;
  /** Who gave it for the patient. */
  readonly givenBy?: string;
  readonly version: number;
  readonly status: 'live' | 'not-started' | 'ended' | 'revoked';
  readonly transactionId: string;
}

export interface AccessRequestInput {
  readonly patientId: string;
  /** Who is to receive it, where that is not who asks. */
  readonly grantee?: GranteeInput;
  readonly actions: readonly string[];
  readonly scope: ScopeInput;
  readonly purpose: string;
  readonly untilMs: number;
  readonly reason: string;
}

/** The default rule's register version is put in by the gateway. */
export interface PolicyInput extends Omit<PolicyBody, 'defaultRule' | 'exclusions' | 'emergency'> {
  readonly defaultRule:
    | { readonly kind: 'deny' }
    | {
        readonly kind: 'permit';
        readonly roles: readonly string[];
        readonly purposes: readonly string[];
        readonly scope: ScopeInput;
      };
  readonly emergency: {
    readonly allowed: boolean;
    readonly labels: readonly string[];
    readonly excludedClasses: readonly string[];
    readonly card?: string;
  };
  readonly exclusions: readonly { readonly who: GranteeInput; readonly scope: ScopeInput }[];
}

export interface DelegationInput extends Omit<GrantInput, 'uses'> {
  readonly parentId: string;
}

/** What the patient makes of a request: all of it, or less. */
export interface ApprovalInput {
  readonly actions?: readonly string[];
  readonly scope?: ScopeInput;
  readonly untilMs?: number;
  readonly uses?: number;
}

/** `reason` is readable by the patient only: it is sealed to the patient's key. */
export type ListedAccessRequest = AccessRequestAnswer & { readonly reason?: string };

/** A change that is not signed yet. */
export type ConsentChangeInput =
  | { readonly kind: 'grant'; readonly grant: GrantInput }
  | { readonly kind: 'alter'; readonly grantId: string; readonly changes: GrantChanges }
  | { readonly kind: 'policy'; readonly policy: PolicyInput }
  | { readonly kind: 'group'; readonly groupId?: string; readonly members: readonly string[] }
  /** Of a grant, a delegation or a representation. */
  | { readonly kind: 'revoke'; readonly id: string };

export interface ExplanationServices {
  explainRecord(caller: Caller, input: { recordId: string }): Promise<readonly RecordAccess[]>;
  explainMember(caller: Caller, input: { patientId: string; memberId?: string }): Promise<readonly RecordAccess[]>;
  previewChange(caller: Caller, input: { patientId: string; change: ConsentChangeInput }): Promise<ChangePreview>;
}

export interface EmergencyServices {
  /** Declares an emergency and reads at once: the records named, or the card. */
  declareEmergency(
    caller: Caller,
    input: { patientId: string; reason: EmergencyReason; recordIds: readonly string[]; idempotencyKey?: string },
  ): Promise<DeclaredEmergency>;
  emergencies(
    caller: Caller,
    input: { patientId: string; limit: number; cursor?: string },
  ): Promise<PageOf<StoredEmergency>>;
  reviewEmergency(
    caller: Caller,
    input: { patientId: string; emergencyId: string; finding: ReviewFinding; comment?: string },
  ): Promise<{ transactionId: string }>;
  unreviewed(caller: Caller, input: { agencyId?: string }): Promise<UnreviewedAnswer>;
}

export interface ConsentServices {
  giveGrant(
    caller: Caller,
    input: { patientId: string; grant: GrantInput },
  ): Promise<{ grantId: string; transactionId: string }>;
  listGrants(
    caller: Caller,
    input: { patientId: string; limit: number; cursor?: string },
  ): Promise<PageOf<ListedGrant>>;
  alterGrant(
    caller: Caller,
    input: { grantId: string; changes: GrantChanges },
  ): Promise<{ grantId: string; version: number; transactionId: string }>;
  revokeGrant(caller: Caller, input: { grantId: string }): Promise<{ transactionId: string }>;

  policy(caller: Caller, input: { patientId: string }): Promise<{ policy?: Policy }>;
  setPolicy(
    caller: Caller,
    input: { patientId: string; policy: PolicyInput },
  ): Promise<{ version: number; transactionId: string }>;
  careGroups(caller: Caller, input: { patientId: string }): Promise<readonly CareGroup[]>;
  makeCareGroup(
    caller: Caller,
    input: { patientId: string; members: readonly string[]; idempotencyKey?: string },
  ): Promise<{ groupId: string; version: number; transactionId: string }>;
  setCareGroup(
    caller: Caller,
    input: { patientId: string; groupId: string; members: readonly string[] },
  ): Promise<{ groupId: string; version: number; transactionId: string }>;
  representatives(caller: Caller, input: { patientId: string }): Promise<readonly Representation[]>;
  appoint(
    caller: Caller,
    input: { patientId: string; memberId: string; fromMs?: number; untilMs: number; idempotencyKey?: string },
  ): Promise<{ representationId: string; transactionId: string }>;
  endRepresentation(
    caller: Caller,
    input: { patientId: string; representationId: string },
  ): Promise<{ transactionId: string }>;
  delegations(caller: Caller, input: { patientId: string }): Promise<readonly Delegation[]>;
  passOn(
    caller: Caller,
    input: { patientId: string; delegation: DelegationInput; idempotencyKey?: string },
  ): Promise<{ delegationId: string; transactionId: string }>;
  endDelegation(caller: Caller, input: { patientId: string; delegationId: string }): Promise<{ transactionId: string }>;
  announce(caller: Caller, input: { patientId: string }): Promise<{ transactionId: string }>;
  notices(caller: Caller, input: { patientId: string; limit: number; cursor?: string }): Promise<PageOf<Notice>>;

  requestAccess(
    caller: Caller,
    input: AccessRequestInput & { idempotencyKey?: string },
  ): Promise<{ requestId: string; status: 'pending'; transactionId?: string }>;
  listAccessRequests(
    caller: Caller,
    input: { patientId?: string; limit: number; cursor?: string },
  ): Promise<PageOf<ListedAccessRequest>>;
  approveRequest(
    caller: Caller,
    input: ApprovalInput & { requestId: string; idempotencyKey?: string },
  ): Promise<{ grantId: string; transactionId: string }>;
  refuseRequest(caller: Caller, input: { requestId: string }): Promise<{ transactionId: string }>;
}
