import type {
  AccessRequestAnswer,
  Basis,
  CareGroup,
  Delegation,
  EmergencyReason,
  EmergencyRule,
  Label,
  Notice,
  Policy,
  PolicyBody,
  Purpose,
  RecordRelation,
  Representation,
  ReviewFinding,
  StoredEmergency,
  UnreviewedAnswer,
} from '@medledger/chaincode/domain';

/**
 * What members can ask of a gateway, without HTTP: one function per use case. Routes check shapes and call these;
 * each throws a MedledgerError whose code stands in the error registry.
 */
export interface Caller {
  readonly memberId: string;
  readonly role: string;
  readonly agencyId?: string;
  /** Session in which the caller's keys are unlocked. */
  readonly sessionId: string;
}

export interface AddedRecord {
  readonly recordId: string;
  readonly version: number;
  readonly cid: string;
  /** Of the ciphertext. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly transactionId: string;
  readonly blockNumber: number;
}

export interface ListedRecord {
  readonly recordId: string;
  readonly version: number;
  readonly class: string;
  readonly label: Label;
  readonly dateMs: number;
  readonly authorId: string;
  readonly authorOrganisation: string;
  readonly relatesTo?: RecordRelation;
  readonly addedAtMs: number;
  readonly cid: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly transactionId: string;
}

export interface OpenedRecord {
  readonly content: Uint8Array;
  readonly contentType: string;
  readonly transactionId: string;
  /** Whose signature over it was checked. */
  readonly authorId: string;
  readonly authorOrganisation: string;
  readonly version: number;
}

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

export interface Job {
  readonly jobId: string;
  readonly status: 'running' | 'done' | 'failed';
  readonly done: number;
  readonly total: number;
  /** What is missing, when it failed. */
  readonly problem?: { readonly code: string; readonly detail: string };
}

export interface LogItem {
  readonly timeMs: number;
  readonly action: string;
  readonly actor: {
    readonly memberId: string;
    readonly role: string;
    readonly agencyId?: string;
    readonly organisation: string;
    readonly keyCustody: string;
  };
  readonly recordIds: readonly string[];
  readonly purpose?: string;
  readonly outcome: 'permit' | 'deny';
  /** The rule behind a permit, and the statement it rests on. */
  readonly basis?: Basis;
  readonly code?: string;
  readonly requestId?: string;
  readonly grantId?: string;
  readonly delegationId?: string;
  readonly groupId?: string;
  /** Appointed or ended; or by which the actor acted for the patient. */
  readonly representationId?: string;
  readonly emergencyId?: string;
  readonly reason?: string;
  readonly finding?: string;
  readonly transactionId: string;
  readonly blockNumber: number;
  readonly sequence: number;
  /** Entry hash. */
  readonly hash: string;
}

export interface Verification {
  readonly ok: boolean;
  readonly lanes: number;
  readonly entries: number;
  readonly firstBad?: { readonly lane: string; readonly sequence: number; readonly reason: string };
}

export interface ActivityRow {
  /** ISO date, UTC. */
  readonly day: string;
  readonly class: string;
  readonly records: number;
  readonly openings: number;
  readonly refusals: number;
  readonly grants: number;
}

export interface ExplorerBlock {
  readonly number: number;
  readonly hash: string;
  readonly previousHash: string;
  readonly dataHash: string;
  readonly timeMs?: number;
  readonly transactions: readonly ExplorerTransaction[];
}

export interface ExplorerTransaction {
  readonly transactionId: string;
  readonly blockNumber: number;
  readonly index: number;
  readonly timeMs: number;
  /** Fabric's name of the code, e.g. VALID, MVCC_READ_CONFLICT. */
  readonly validationCode: string;
  /** Contract and function, e.g. records:add; absent for configuration. */
  readonly transaction?: string;
  readonly creator: { readonly organisation: string; readonly memberId?: string };
  readonly endorsers: readonly string[];
}

export interface PageOf<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface Services {
  signUpPatient(input: {
    password: string;
    profile?: object;
    /** Default: what is labelled normal may be read in an emergency. */
    emergency?: { allowed: boolean };
  }): Promise<{ patientId: string }>;
  signIn(input: { memberId: string; password: string }): Promise<{ accessToken: string; expiresInS: number }>;
  signOut(caller: Caller): Promise<void>;
  /** Who the bearer of this token is; throws NOT_SIGNED_IN or SESSION_ENDED. */
  authenticate(accessToken: string): Promise<Caller>;

  addRecord(
    caller: Caller,
    input: {
      patientId: string;
      class?: string;
      label?: string;
      dateMs?: number;
      purpose?: string;
      contentType: string;
      content: Uint8Array;
      relatesTo?: RecordRelation;
      /** Same key, same member: same record id, so that a repeated call adds nothing twice. */
      idempotencyKey?: string;
    },
  ): Promise<AddedRecord>;
  addBundle(
    caller: Caller,
    input: { patientId: string; bundle: object; idempotencyKey?: string },
  ): Promise<{ jobId: string }>;
  job(caller: Caller, jobId: string): Promise<Job>;
  listRecords(
    caller: Caller,
    input: { patientId: string; class?: string; fromMs?: number; toMs?: number; limit: number; cursor?: string },
  ): Promise<PageOf<ListedRecord>>;
  /** Versions oldest first, disputes beside what they are about; as far as the caller may list them. */
  recordVersions(caller: Caller, input: { recordId: string }): Promise<readonly ListedRecord[]>;
  openRecord(
    caller: Caller,
    input: { recordId: string; purpose?: Purpose; emergencyId?: string },
  ): Promise<OpenedRecord>;

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

  accessLog(caller: Caller, input: { patientId: string; limit: number; cursor?: string }): Promise<PageOf<LogItem>>;
  verifyPatient(caller: Caller, input: { patientId: string }): Promise<Verification>;
  activity(caller: Caller, input: { fromMs: number; toMs: number }): Promise<{ rows: readonly ActivityRow[] }>;
  blocks(caller: Caller, input: { limit: number; cursor?: string }): Promise<PageOf<ExplorerBlock>>;
  block(caller: Caller, input: { number: number }): Promise<ExplorerBlock>;
  transaction(caller: Caller, input: { transactionId: string }): Promise<ExplorerTransaction>;

  /** For /readyz: what is missing, by name; empty when ready. */
  notReady(): Promise<readonly string[]>;
}
