import {
  type AgencyId,
  type DelegationId,
  type EmergencyId,
  type Grantee,
  granteePlace,
  type GrantId,
  type GroupId,
  limits,
  type MemberId,
  type MspId,
  type PatientId,
  type RecordId,
  type RepresentationId,
  type RequestId,
  type SetId,
} from '../domain/index.js';

/**
 * Every key of world state. Parts are joined by `~`, which no id contains, so that no two things share a key and
 * everything below a prefix is one range.
 */
export const REGISTER_KEY = 'register';
export const CONFIG_KEY = 'config';
export const ORGANISATIONS_PREFIX = 'organisation~';
export const AGENCIES_PREFIX = 'agency~';

/** 13 digits of milliseconds reach to the year 2286 and keep key order equal to time order. */
const TIME_DIGITS = 13;

/** A lane: one chain of entries of one actor about one patient (`-` for none). */
export interface LaneId {
  readonly patientId: PatientId;
  readonly memberId: MemberId;
}

export const memberKey = (memberId: MemberId): string => `member~${memberId}`;
export const agencyKey = (agencyId: AgencyId): string => `${AGENCIES_PREFIX}${agencyId}`;
export const organisationKey = (mspId: MspId): string => `${ORGANISATIONS_PREFIX}${mspId}`;
export const registerDocumentKey = (digest: string): string => `registerdoc~${digest}`;

export const headKey = (lane: LaneId): string => `${lanesPrefix(lane.patientId)}${lane.memberId}`;
export const lanesPrefix = (patientId: PatientId): string => `lane~${patientId}~`;

export function entryKey(lane: LaneId, sequence: number): string {
  const place = String(sequence).padStart(limits.SEQUENCE_DIGITS, '0');
  return `${entriesPrefix(lane.patientId)}${lane.memberId}~${place}`;
}
export const entriesPrefix = (patientId: PatientId): string => `entry~${patientId}~`;

export const recordSetKey = (setId: SetId): string => `recordset~${setId}`;
export const patientSetsPrefix = (patientId: PatientId): string => `patientset~${patientId}~`;
/** The part of an index key that comes after its prefix. */
export const patientSetPlace = (addedAtMs: number, setId: SetId): string =>
  `${String(addedAtMs).padStart(TIME_DIGITS, '0')}~${setId}`;

export const grantKey = (patientId: PatientId, grantId: GrantId): string => `${grantsPrefix(patientId)}${grantId}`;
export const grantsPrefix = (patientId: PatientId): string => `grant~${patientId}~`;
export const grantOwnerKey = (grantId: GrantId): string => `grantof~${grantId}`;
export const usesKey = (patientId: PatientId, grantId: GrantId): string => `uses~${patientId}~${grantId}`;

/**
 * Index of what a patient gave to one holder. A role within one agency lies with the agency, so that a decision finds
 * everything that can concern a member of staff under three keys: person, agency, role.
 */
export const granteeKey = (patientId: PatientId, grantee: Grantee): string =>
  `grantee~${patientId}~${holderOf(grantee)}`;

function holderOf(grantee: Grantee): string {
  if (grantee.kind === 'role' && grantee.agencyId !== undefined) return `agency~${grantee.agencyId}`;
  return granteePlace(grantee);
}

export const policyKey = (patientId: PatientId): string => `policy~${patientId}`;

export const groupKey = (patientId: PatientId, groupId: GroupId): string => `${groupsPrefix(patientId)}${groupId}`;
export const groupsPrefix = (patientId: PatientId): string => `group~${patientId}~`;
export const representationKey = (patientId: PatientId, id: RepresentationId): string =>
  `${representationsPrefix(patientId)}${id}`;
export const representationsPrefix = (patientId: PatientId): string => `representation~${patientId}~`;
export const delegationKey = (patientId: PatientId, id: DelegationId): string => `${delegationsPrefix(patientId)}${id}`;
export const delegationsPrefix = (patientId: PatientId): string => `delegation~${patientId}~`;
/** Ids of one kind of statement of a patient, so that their number can be bounded without a range. */
export const statementIdsKey = (patientId: PatientId, kind: 'group' | 'representation' | 'delegation'): string =>
  `statementids~${patientId}~${kind}`;

export const emergencyKey = (patientId: PatientId, emergencyId: EmergencyId): string =>
  `${emergenciesPrefix(patientId)}${emergencyId}`;
export const emergenciesPrefix = (patientId: PatientId): string => `emergency~${patientId}~`;
export const emergencyOwnerKey = (emergencyId: EmergencyId): string => `emergencyof~${emergencyId}`;
/** What an actor has declared and nobody has reviewed. */
export const openEmergenciesKey = (actorId: MemberId): string => `emergencies~${actorId}`;
export const unreviewedKey = (agencyId: AgencyId, emergencyId: EmergencyId): string =>
  `${unreviewedPrefix(agencyId)}${emergencyId}`;
export const UNREVIEWED_PREFIX = 'unreviewed~';
export const unreviewedPrefix = (agencyId: AgencyId): string => `${UNREVIEWED_PREFIX}${agencyId}~`;

export const noticesPrefix = (patientId: PatientId): string => `notice~${patientId}~`;
/** One key per notice: two of them never contend. */
export const noticeKey = (patientId: PatientId, notice: { atMs: number; txId: string }): string =>
  `${noticesPrefix(patientId)}${String(notice.atMs).padStart(TIME_DIGITS, '0')}~${notice.txId}`;
/** Of which membership of this person the patient was told. */
export const noticedKey = (patientId: PatientId, memberId: MemberId): string => `noticed~${patientId}~${memberId}`;
export const noticedPrefix = (patientId: PatientId): string => `noticed~${patientId}~`;

export const replacementKey = (recordId: RecordId): string => `replacement~${recordId}`;
export const relationKey = (target: RecordId, recordId: RecordId): string => `${relationsPrefix(target)}${recordId}`;
export const relationsPrefix = (target: RecordId): string => `related~${target}~`;

export const STAFF_PREFIX = 'staff~';
export const staffKey = (memberId: MemberId): string => `${STAFF_PREFIX}${memberId}`;

export const requestKey = (patientId: PatientId, requestId: RequestId): string =>
  `${requestsPrefix(patientId)}${requestId}`;
export const requestsPrefix = (patientId: PatientId): string => `request~${patientId}~`;
export const requestOwnerKey = (requestId: RequestId): string => `requestof~${requestId}`;
export const requesterKey = (memberId: MemberId, requestId: RequestId): string =>
  `${requesterPrefix(memberId)}${requestId}`;
export const requesterPrefix = (memberId: MemberId): string => `requester~${memberId}~`;

/** First key after all that begin with the prefix: `~` is the last printable character, DEL follows it. */
export function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}\u007f`;
}
