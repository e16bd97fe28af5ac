import type { StoredGrant } from './consent/grant.js';
import type { StoredAccessRequest } from './consent/access-request.js';
import type { EmergencyReview, ReviewFinding, UnreviewedCount } from './consent/emergency.js';
import type { AgencyId, EmergencyId, GrantId, MemberId, MspId, PatientId, RecordId, SetId } from './ids.js';
import type { LaneEntry } from './lane/entry.js';
import type { LaneHead, LaneTip } from './lane/head.js';
import type { WalkFault } from './lane/walk.js';
import type { Outcome } from './outcome.js';
import type { RecordMetadata } from './record/record.js';
import type { Agency, Member, Organisation } from './register/member.js';
import type { SignedRegister } from './register/register-document.js';
import type { SignedStatement } from './statement.js';
import type { Role } from './vocabulary.js';

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

/** A statement in force and, where it was taken back, the one that did. */
export interface StoredStatement {
  readonly statement: SignedStatement;
  readonly revocation?: SignedStatement;
}

/** Everything the patient has said, as signed. `used` and `noticed` are counted by the chain, not signed. */
export interface ConsentsAnswer {
  readonly policy?: SignedStatement;
  readonly grants: readonly StoredGrant[];
  readonly delegations: readonly StoredStatement[];
  readonly groups: readonly SignedStatement[];
  readonly representations: readonly StoredStatement[];
  readonly emergencies: readonly StoredEmergency[];
  readonly used: Readonly<Partial<Record<GrantId, number>>>;
  readonly noticed: Readonly<Record<string, number>>;
}

export interface StoredEmergency {
  readonly declaration: SignedStatement;
  readonly agencyId?: AgencyId;
  readonly declaredAtMs: number;
  readonly reviewDueMs: number;
  readonly txId: string;
  readonly review?: EmergencyReview;
}

/** What the patient was told, in the transaction that did it. */
export type Notice = { readonly atMs: number; readonly memberId: MemberId; readonly txId: string } & (
  | { readonly kind: 'emergency'; readonly emergencyId: EmergencyId }
  | { readonly kind: 'review'; readonly emergencyId: EmergencyId; readonly finding: ReviewFinding }
  | { readonly kind: 'joined'; readonly agencyId?: AgencyId; readonly registerVersion: number }
);

export interface UnreviewedAnswer {
  readonly counts: readonly UnreviewedCount[];
  /** For who may review them: members of the same agency other than who declared, government, auditors. */
  readonly emergencies: readonly StoredEmergency[];
}

/** Enough to check the author's signature without the author's organisation. */
export interface OriginAnswer {
  readonly setId: SetId;
  readonly authorSignature: string;
  /** `recordDigest` of every record of the set, in order. */
  readonly digests: readonly string[];
  readonly author: Member;
  /** The document that names the author; a patient's id certifies its own key. */
  readonly register?: SignedRegister;
}

/** Versions oldest first; a dispute stands beside the version it is about. */
export type VersionsAnswer = readonly RecordMetadata[];

export interface StaffMember {
  readonly memberId: MemberId;
  readonly role: Role;
  readonly agencyId?: AgencyId;
  readonly organisation: MspId;
  /** Version of the register document that names the member as it is now. */
  readonly registerVersion: number;
}

export interface GrantAnswer {
  readonly grantId: GrantId;
  readonly stored: StoredGrant;
  /** Openings made under a grant that counts them. */
  readonly used?: number;
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
  readonly policy?: SignedStatement;
  /** Groups that the grants name. */
  readonly groups: readonly SignedStatement[];
  readonly delegations: readonly StoredStatement[];
  /** Those asked for, and those of whoever signed one of the other statements for the patient. */
  readonly representations: readonly StoredStatement[];
  readonly emergencies: readonly StoredEmergency[];
  /** Delegates and representatives who signed, with the documents that name them. */
  readonly signers: readonly { readonly member: Member; readonly register?: SignedRegister }[];
  readonly used: Readonly<Partial<Record<GrantId, number>>>;
  /** Register version of the actor's membership that the patient was told of. */
  readonly noticed?: number;
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
