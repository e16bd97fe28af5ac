import {
  type AgencyId,
  type Grantee,
  type GrantId,
  limits,
  type MemberId,
  type MspId,
  type PatientId,
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
export const granteeKey = (patientId: PatientId, grantee: Grantee): string =>
  `grantee~${patientId}~${grantee.kind}~${grantee.id}`;

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
