import { type Grantee, granteePlace } from '@medledger/chaincode/domain';

/**
 * Keys of the chaincode's world state, as chaincode/state/keys.ts builds them: scripts reach the chaincode by the door
 * of its domain only. A test compares the two.
 */
export const ENTRY_PREFIX = 'entry~';
export const HEAD_PREFIX = 'lane~';
export const MEMBER_PREFIX = 'member~';
export const ORGANISATION_PREFIX = 'organisation~';
export const AGENCY_PREFIX = 'agency~';
export const REGISTER_DOCUMENT_PREFIX = 'registerdoc~';
export const GRANT_PREFIX = 'grant~';
export const GRANTEE_PREFIX = 'grantee~';
export const POLICY_PREFIX = 'policy~';
export const GROUP_PREFIX = 'group~';
export const REPRESENTATION_PREFIX = 'representation~';
export const DELEGATION_PREFIX = 'delegation~';
export const EMERGENCY_PREFIX = 'emergency~';
export const NOTICED_PREFIX = 'noticed~';
export const USES_PREFIX = 'uses~';
export const RECORD_SET_PREFIX = 'recordset~';
export const REQUEST_PREFIX = 'request~';
export const CONFIG_KEY = 'config';
export const REGISTER_KEY = 'register';

/** One chain of entries of one actor about one patient (`-` for none). */
export interface LanePlace {
  readonly patientId: string;
  readonly memberId: string;
}

export const laneName = ({ patientId, memberId }: LanePlace): string => `${patientId}~${memberId}`;
export const headKey = (lane: LanePlace): string => `${HEAD_PREFIX}${laneName(lane)}`;
export const memberKey = (memberId: string): string => `${MEMBER_PREFIX}${memberId}`;
export const registerDocumentKey = (digest: string): string => `${REGISTER_DOCUMENT_PREFIX}${digest}`;
export const grantKey = (patientId: string, grantId: string): string => `${GRANT_PREFIX}${patientId}~${grantId}`;
/** Index of what one holder was given; a role within one agency lies with the agency. */
export function granteeKey(patientId: string, grantee: Grantee): string {
  const isOfAgency = grantee.kind === 'role' && grantee.agencyId !== undefined;
  return `${GRANTEE_PREFIX}${patientId}~${isOfAgency ? `agency~${grantee.agencyId}` : granteePlace(grantee)}`;
}
export const grantOwnerKey = (grantId: string): string => `grantof~${grantId}`;
export const openEmergenciesKey = (memberId: string): string => `emergencies~${memberId}`;
export const recordSetKey = (setId: string): string => `${RECORD_SET_PREFIX}${setId}`;

const SEQUENCE_DIGITS = 10;

export function entryKey(lane: LanePlace, sequence: number): string {
  return `${ENTRY_PREFIX}${laneName(lane)}~${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`;
}

/** @returns undefined for a key that is no entry's */
export function parseEntryKey(key: string): { lane: LanePlace; sequence: number } | undefined {
  const [kind, patientId, memberId, digits, ...more] = key.split('~');
  if (`${kind}~` !== ENTRY_PREFIX || patientId === undefined || memberId === undefined || more.length > 0) return;
  const sequence = Number(digits);
  const lane = { patientId, memberId };
  return entryKey(lane, sequence) === key ? { lane, sequence } : undefined;
}

/** @returns undefined for a key that is no head's */
export function parseHeadKey(key: string): LanePlace | undefined {
  const [kind, patientId, memberId, ...more] = key.split('~');
  if (`${kind}~` !== HEAD_PREFIX || patientId === undefined || memberId === undefined || more.length > 0) return;
  return { patientId, memberId };
}

/** First key after all that begin with a prefix; `~` is the last printable character, DEL follows it. */
export function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}\u007f`;
}
