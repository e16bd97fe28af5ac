import type { DeclaredEmergency } from '../../gateway/services/consent-services.js';
import { inHours } from './care.js';
import type { Member, Reply } from './member.js';

/** What patients say about others, through REST. */

export interface GranteeToName {
  readonly kind: string;
  readonly id: string;
  readonly agencyId?: string;
}

export interface FullGrant {
  readonly grantee: GranteeToName;
  readonly actions?: readonly string[];
  readonly scope?: object;
  readonly purpose?: string;
  readonly until?: string;
  readonly uses?: number;
}

export interface ShownEmergency extends Omit<DeclaredEmergency, 'records'> {
  readonly records: readonly {
    readonly recordId: string;
    readonly outcome: string;
    readonly code?: string;
    readonly contentBase64?: string;
  }[];
}

export function grantBody({ grantee, actions = ['read'], scope = {}, purpose = 'TREAT', ...rest }: FullGrant): object {
  return { grantee, actions, scope, purpose, until: inHours(24), ...rest };
}

/** @param patientId - whose grant it is, where a representative gives it */
export function give(
  member: Member,
  grant: FullGrant,
  patientId = member.memberId,
): Promise<{ grantId: string; transactionId: string }> {
  return member.ask({ method: 'POST', path: `/v1/patients/${patientId}/grants`, body: grantBody(grant) });
}

export function alter(member: Member, grantId: string, body: object): Promise<{ version: number }> {
  return member.ask({ method: 'PUT', path: `/v1/grants/${grantId}`, body });
}

export const NOTHING_BY_DEFAULT = {
  defaultRule: { kind: 'deny' },
  emergency: { allowed: true, labels: ['N'], excludedClasses: [] },
  exclusions: [],
} as const;

export function setPolicy(member: Member, policy: object, patientId = member.memberId): Promise<{ version: number }> {
  const body = { ...NOTHING_BY_DEFAULT, ...policy };
  return member.ask({ method: 'PUT', path: `/v1/patients/${patientId}/policy`, body });
}

export function sendPassOn(member: Member, patientId: string, grantId: string, to: GranteeToName): Promise<Reply> {
  const body = { grantId, ...grantBody({ grantee: to }), until: inHours(1) };
  return member.send({ method: 'POST', path: `/v1/patients/${patientId}/delegations`, body });
}

export function sendEmergency(member: Member, patientId: string, recordIds: readonly string[] = []): Promise<Reply> {
  const body = { reason: 'unconscious', ...(recordIds.length === 0 ? {} : { recordIds }) };
  return member.send({ method: 'POST', path: `/v1/patients/${patientId}/emergencies`, body });
}

/** What the code says, or 200. */
export function outcomeOf(reply: Reply): number | string {
  if (reply.status < 300) return reply.status;
  return (JSON.parse(reply.bytes.toString('utf8')) as { code: string }).code;
}
