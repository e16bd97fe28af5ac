import { type ConsortiumAnswer, DomainError, type MemberAnswer } from '../../domain/index.js';
import type { Question } from '../../state/answer-query.js';
import { readAgencies, readAgency, readMember, readOrganisations, readRegister } from '../../state/register-store.js';

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
