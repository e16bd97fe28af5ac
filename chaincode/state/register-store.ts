import {
  type Agency,
  type AgencyId,
  DomainError,
  limits,
  type Member,
  type MemberId,
  type MspId,
  type Organisation,
  type PatientId,
  type SignedRegister,
} from '../domain/index.js';
import type { Caller } from './caller.js';
import {
  AGENCIES_PREFIX,
  agencyKey,
  CONFIG_KEY,
  memberKey,
  ORGANISATIONS_PREFIX,
  organisationKey,
  REGISTER_KEY,
  registerDocumentKey,
  STAFF_PREFIX,
  staffKey,
} from './keys.js';
import { jsonWrite, parseStored, readJson } from './stored-json.js';
import type { WorldState, Write } from './world-state.js';

/** Which register document came last. */
export interface RegisterState {
  readonly version: number;
  readonly digest: string;
}

interface Config {
  readonly targetIntervalMs: number;
}

export const readRegister = (state: WorldState): Promise<RegisterState | undefined> => readJson(state, REGISTER_KEY);
export const registerWrite = (register: RegisterState): Write => jsonWrite(REGISTER_KEY, register);

export const readMember = (state: WorldState, id: MemberId): Promise<Member | undefined> =>
  readJson(state, memberKey(id));
export const memberWrite = (member: Member): Write => jsonWrite(memberKey(member.memberId), member);

/** Staff of a register document: the member, and its place in the list of all staff, which patients are not in. */
export const staffWrites = (member: Member): readonly Write[] => [
  memberWrite(member),
  jsonWrite(staffKey(member.memberId), {}),
];

export const readAgency = (state: WorldState, id: AgencyId): Promise<Agency | undefined> =>
  readJson(state, agencyKey(id));
export const agencyWrite = (agency: Agency): Write => jsonWrite(agencyKey(agency.agencyId), agency);

export const readOrganisation = (state: WorldState, id: MspId): Promise<Organisation | undefined> =>
  readJson(state, organisationKey(id));
export const organisationWrite = (organisation: Organisation): Write =>
  jsonWrite(organisationKey(organisation.mspId), organisation);

export const readRegisterDocument = (state: WorldState, digest: string): Promise<SignedRegister | undefined> =>
  readJson(state, registerDocumentKey(digest));
export const registerDocumentWrite = (digest: string, document: SignedRegister): Write =>
  jsonWrite(registerDocumentKey(digest), document);

export const configWrite = (config: Config): Write => jsonWrite(CONFIG_KEY, config);

/** Milliseconds that one entry of a lane should take. */
export async function readTargetIntervalMs(state: WorldState): Promise<number> {
  const config = await readJson<Config>(state, CONFIG_KEY);
  return config?.targetIntervalMs ?? limits.TARGET_INTERVAL_MS;
}

/** For queries only: ranges. The consortium is small. */
export async function readOrganisations(state: WorldState): Promise<readonly Organisation[]> {
  const rows = await state.all(ORGANISATIONS_PREFIX, limits.PAGE_ITEMS_MAX);
  return rows.map(({ place, text }) => parseStored(`${ORGANISATIONS_PREFIX}${place}`, text));
}

export async function readAgencies(state: WorldState): Promise<readonly Agency[]> {
  const rows = await state.all(AGENCIES_PREFIX, limits.PAGE_ITEMS_MAX);
  return rows.map(({ place, text }) => parseStored(`${AGENCIES_PREFIX}${place}`, text));
}

/** Staff in order of member id. For queries only. */
export async function listStaff(
  state: WorldState,
  page: { limit: number; cursor?: string },
): Promise<{ readonly members: readonly Member[]; readonly next?: string }> {
  const rows = await state.page(STAFF_PREFIX, page);
  const members: Member[] = [];
  for (const { place } of rows.items) {
    const member = await readMember(state, parseMemberPlace(place));
    if (member === undefined) throw new DomainError('STATE_CORRUPT', `${STAFF_PREFIX}${place} names nobody`);
    members.push(member);
  }
  return rows.next === undefined ? { members } : { members, next: rows.next };
}

/** The key was built from a parsed member id. */
function parseMemberPlace(place: string): MemberId {
  return place as MemberId;
}

/** @throws DomainError PATIENT_UNKNOWN, also for a member who is no patient */
export async function requirePatient(state: WorldState, patientId: PatientId): Promise<Member> {
  const member = await readMember(state, patientId);
  if (member?.role !== 'patient') throw new DomainError('PATIENT_UNKNOWN', `${patientId} is no registered patient`);
  return member;
}

/**
 * The member whose key signed the proposal, if certificate and register agree in everything that rules look at.
 *
 * @throws DomainError CALLER_UNKNOWN
 */
export async function requireRegistered(state: WorldState, caller: Caller): Promise<Member> {
  const member = await readMember(state, caller.memberId);
  if (member === undefined) throw new DomainError('CALLER_UNKNOWN', `the register has no member ${caller.memberId}`);
  const differing = [
    member.signingKey === caller.signingKey ? '' : 'key',
    member.role === caller.role ? '' : 'role',
    member.agencyId === caller.agencyId ? '' : 'agency',
    member.organisation === caller.mspId ? '' : 'organisation',
  ].filter((name) => name !== '');
  if (differing.length > 0)
    throw new DomainError('CALLER_UNKNOWN', `${caller.memberId}: ${differing.join(', ')} differs from the register`);
  return member;
}
