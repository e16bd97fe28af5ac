import type { AccessRequestAnswer, Label, Purpose } from '@medledger/chaincode/domain';

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
}

export interface ScopeInput {
  readonly classes?: readonly string[];
  readonly records?: readonly string[];
  readonly labels?: readonly string[];
}

export interface GrantInput {
  readonly grantee: { readonly kind: string; readonly id: string };
  readonly actions: readonly string[];
  readonly scope: ScopeInput;
  readonly purpose: string;
  readonly fromMs?: number;
  readonly untilMs: number;
}

export interface ListedGrant extends Omit<GrantInput, 'fromMs'> {
  readonly grantId: string;
  readonly fromMs: number;
  readonly version: number;
  readonly status: 'live' | 'not-started' | 'ended' | 'revoked';
  readonly transactionId: string;
}

export interface AccessRequestInput {
  readonly patientId: string;
  readonly actions: readonly string[];
  readonly scope: ScopeInput;
  readonly purpose: string;
  readonly untilMs: number;
  readonly reason: string;
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
  readonly basis?: { readonly kind: string; readonly grantId?: string; readonly version?: number };
  readonly code?: string;
  readonly requestId?: string;
  readonly grantId?: string;
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
  signUpPatient(input: { password: string; profile?: object }): Promise<{ patientId: string }>;
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
  openRecord(caller: Caller, input: { recordId: string; purpose?: Purpose }): Promise<OpenedRecord>;

  giveGrant(
    caller: Caller,
    input: { patientId: string; grant: GrantInput },
  ): Promise<{ grantId: string; transactionId: string }>;
  listGrants(
    caller: Caller,
    input: { patientId: string; limit: number; cursor?: string },
  ): Promise<PageOf<ListedGrant>>;
  revokeGrant(caller: Caller, input: { grantId: string }): Promise<{ transactionId: string }>;

  requestAccess(
    caller: Caller,
    input: AccessRequestInput & { idempotencyKey?: string },
  ): Promise<{ requestId: string; status: 'pending'; transactionId?: string }>;
  listAccessRequests(caller: Caller, input: { limit: number; cursor?: string }): Promise<PageOf<ListedAccessRequest>>;
  approveRequest(
    caller: Caller,
    input: { requestId: string; scope?: ScopeInput; untilMs?: number; idempotencyKey?: string },
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
