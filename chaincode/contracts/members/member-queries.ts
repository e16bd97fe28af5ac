import {
  type ConsortiumAnswer,
  DomainError,
  type Member,
  type MemberAnswer,
  type Page,
  type StaffMember,
} from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import {
  listStaff,
  readAgencies,
  readAgency,
  readMember,
  readOrganisations,
  readRegister,
} from '../../state/register-store.js';

export async function findMember({ state, input }: Question<'members:member'>): Promise<MemberAnswer> {
  const member = await readMember(state, input.memberId);
  if (member === undefined) throw new DomainError('MEMBER_UNKNOWN', `no member ${input.memberId}`);
  const agency = member.agencyId === undefined ? undefined : await readAgency(state, member.agencyId);
  return agency === undefined ? { member } : { member, agency };
}

export async function describeConsortium({ state }: Question<'members:consortium'>): Promise<ConsortiumAnswer> {
  const register = await readRegister(state);
  if (register === undefined) throw new DomainError('NOT_BOOTSTRAPPED', 'the channel has no register');
  const organisations = await readOrganisations(state);
  return { registerVersion: register.version, organisations, agencies: await readAgencies(state) };
}

/** A page may hold less than its limit and still name a next one: it leaves out other agencies. */
export async function pageOfStaff({ state, input }: Question<'members:staff'>): Promise<Page<StaffMember>> {
  const { members, next } = await listStaff(state, input);
  const wanted = members.filter(({ agencyId }) => input.agencyId === undefined || agencyId === input.agencyId);
  const items = wanted.map(staffMemberOf);
  return next === undefined ? { items } : { items, next };
}

function staffMemberOf({ memberId, role, agencyId, organisation, registerVersion }: Member): StaffMember {
  if (registerVersion === undefined) throw new DomainError('STATE_CORRUPT', `no register document names ${memberId}`);
  return { memberId, role, ...(agencyId === undefined ? {} : { agencyId }), organisation, registerVersion };
}
