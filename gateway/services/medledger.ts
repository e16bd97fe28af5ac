import type { Basis, Label, Purpose, RecordRelation } from '@medledger/chaincode/domain';
import type { ConsentServices, EmergencyServices, ExplanationServices } from './consent-services.js';

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

export interface Services extends ConsentServices, EmergencyServices, ExplanationServices {
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

  accessLog(caller: Caller, input: { patientId: string; limit: number; cursor?: string }): Promise<PageOf<LogItem>>;
  verifyPatient(caller: Caller, input: { patientId: string }): Promise<Verification>;
  activity(caller: Caller, input: { fromMs: number; toMs: number }): Promise<{ rows: readonly ActivityRow[] }>;
  blocks(caller: Caller, input: { limit: number; cursor?: string }): Promise<PageOf<ExplorerBlock>>;
  block(caller: Caller, input: { number: number }): Promise<ExplorerBlock>;
  transaction(caller: Caller, input: { transactionId: string }): Promise<ExplorerTransaction>;
  /** One decision with all that proves it: a canonical JSON document (receipts/receipt.ts). */
  decisionReceipt(caller: Caller, input: { transactionId: string }): Promise<string>;

  /** For /readyz: what is missing, by name; empty when ready. */
  notReady(): Promise<readonly string[]>;
}
