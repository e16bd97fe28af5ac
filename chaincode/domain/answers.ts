import type { StoredGrant } from './consent/grant.js';
import type { StoredAccessRequest } from './consent/access-request.js';
import type { GrantId, MemberId, PatientId, RecordId } from './ids.js';
import type { LaneEntry } from './lane/entry.js';
import type { LaneHead, LaneTip } from './lane/head.js';
import type { WalkFault } from './lane/walk.js';
import type { Outcome } from './outcome.js';
import type { RecordMetadata } from './record/record.js';
import type { Agency, Member, Organisation } from './register/member.js';
import type { SignedRegister } from './register/register-document.js';

/** What every transaction answers, as JSON: the decision, its entry, and the tip to solve against next. */
export interface TransactionAnswer {
  readonly outcome: Outcome;
  readonly entry: {
    readonly memberId: MemberId;
    readonly patientId: PatientId;
    readonly sequence: number;
    readonly entryHash: string;
    readonly link: string;
    readonly timeMs: number;
  };
  readonly tip: LaneTip;
  /** Opening: digests and pointers of what was permitted. Not enough to decrypt anything. */
  readonly records?: readonly RecordMetadata[];
}

/** `members:bootstrap` has no lane, so it answers what was stored. */
export interface BootstrapAnswer {
  readonly registerVersion: number;
  readonly registerDigest: string;
}

/** `cursor` of the next page; absent on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface MemberAnswer {
  readonly member: Member;
  readonly agency?: Agency;
}

/** Latest register: what clients show, and what a custodian compares with its own pins. */
export interface ConsortiumAnswer {
  readonly registerVersion: number;
  readonly organisations: readonly Organisation[];
  readonly agencies: readonly Agency[];
}

export type LocateAnswer = readonly { readonly recordId: RecordId; readonly patientId: PatientId }[];

export type MetadataAnswer = readonly RecordMetadata[];

export interface GrantAnswer {
  readonly grantId: GrantId;
  readonly stored: StoredGrant;
  readonly txId: string;
}

/** Whose grant it is: enough to revoke it by its id alone. */
export interface GrantLocation {
  readonly grantId: GrantId;
  readonly patientId: PatientId;
}

export type AccessRequestAnswer = StoredAccessRequest;

/** Everything a custodian needs to check a permit against signatures instead of state. Absent means not there. */
export interface EvidenceAnswer {
  readonly patient?: Member;
  readonly actor?: Member;
  /** The document that names the actor, with its signatures. */
  readonly register?: SignedRegister;
  readonly grants: readonly { readonly grantId: GrantId; readonly stored?: StoredGrant }[];
  /** Claimed by the peer that answers; a custodian uses its own clock. */
  readonly timeMs: number;
}

export interface LaneAnswer {
  readonly patientId: PatientId;
  readonly memberId: MemberId;
  readonly head: LaneHead;
}

export type LanesAnswer = readonly LaneAnswer[];
export type HistoryAnswer = Page<LaneEntry>;

/** One stretch of a walk: where it broke, where to go on, or that it reached the stored head. */
export type VerifyLaneAnswer =
  | { readonly status: 'ok'; readonly entries: number }
  | { readonly status: 'more'; readonly from: LaneHead; readonly entries: number }
  | { readonly status: 'bad'; readonly fault: WalkFault; readonly entries: number };
