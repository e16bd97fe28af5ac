import {
  type AccessRequest,
  type Actor,
  type AgencyId,
  type CareGroup,
  type Consents,
  type Delegation,
  type DelegationId,
  type Emergency,
  type EmergencyId,
  type Grant,
  type GrantId,
  type GroupId,
  type MemberId,
  NO_CONSENTS,
  type Policy,
  type RecordFacts,
  type RecordId,
  type Representation,
  type RepresentationId,
  type Scope,
} from '@medledger/chaincode/domain';

export const FROM_MS = 1_000_000;
export const UNTIL_MS = 2_000_000;
export const DATE_MS = 500;

const hex = (seed: number): string => seed.toString(16).padStart(32, '0');
export const gid = (seed: number): GrantId => `g${hex(seed)}` as GrantId;
export const did = (seed: number): DelegationId => `d${hex(seed)}` as DelegationId;
export const cidOf = (seed: number): GroupId => `c${hex(seed)}` as GroupId;
export const repId = (seed: number): RepresentationId => `r${hex(seed)}` as RepresentationId;
export const eid = (seed: number): EmergencyId => `e${hex(seed)}` as EmergencyId;
export const rid = (seed: number): RecordId => `${'ab'.repeat(16)}${seed.toString(16).padStart(2, '0')}` as RecordId;
export const mid = (id: string): MemberId => id as MemberId;
export const agency = (id: string): AgencyId => id as AgencyId;

export const DOCTOR: Actor = { memberId: mid('dr-a'), role: 'doctor', agencyId: agency('clinic'), registerVersion: 1 };
export const PATIENT: Actor = { memberId: mid('p-1'), role: 'patient' };
export const SAMPLE_RECORD: RecordFacts = { recordId: rid(1), class: 'Observation', label: 'N', dateMs: DATE_MS };

export function sampleGrant(changes: Partial<Grant> = {}): Grant {
  return {
    grantId: gid(1),
    patientId: mid('p-1'),
    grantee: { kind: 'person', id: mid('dr-a') },
    actions: ['read'],
    scope: {},
    purpose: 'TREAT',
    fromMs: FROM_MS,
    untilMs: UNTIL_MS,
    version: 1,
    revoked: false,
    ...changes,
  };
}

export function sampleDelegation(changes: Partial<Delegation> = {}): Delegation {
  return {
    delegationId: did(1),
    delegateId: mid('dr-b'),
    parentId: gid(1),
    grantee: { kind: 'person', id: mid('dr-a') },
    actions: ['read'],
    scope: {},
    purpose: 'TREAT',
    fromMs: FROM_MS,
    untilMs: UNTIL_MS,
    version: 1,
    revoked: false,
    ...changes,
  };
}

/** What `sampleDelegation` passes on. */
export function sampleParent(changes: Partial<Grant> = {}): Grant {
  return sampleGrant({ grantee: { kind: 'delegate', id: mid('dr-b') }, actions: ['read', 'share'], ...changes });
}

export function samplePolicy(changes: Partial<Policy> = {}): Policy {
  return {
    version: 1,
    defaultRule: { kind: 'deny' },
    emergency: { allowed: true, labels: ['N'], excludedClasses: [] },
    exclusions: [],
    ...changes,
  };
}

export function sampleEmergency(changes: Partial<Emergency> = {}): Emergency {
  return {
    emergencyId: eid(1),
    patientId: mid('p-1'),
    actorId: mid('dr-a'),
    reason: 'unconscious',
    fromMs: FROM_MS,
    untilMs: UNTIL_MS,
    ...changes,
  };
}

export function sampleRepresentation(changes: Partial<Representation> = {}): Representation {
  return {
    representationId: repId(1),
    representative: mid('dr-a'),
    fromMs: FROM_MS,
    untilMs: UNTIL_MS,
    version: 1,
    revoked: false,
    ...changes,
  };
}

export function sampleGroup(members: readonly string[], changes: Partial<CareGroup> = {}): CareGroup {
  return { groupId: cidOf(1), members: members.map(mid), version: 1, ...changes };
}

export function sampleConsents(changes: Partial<Consents> = {}): Consents {
  return { ...NO_CONSENTS, ...changes };
}

export function sampleRequest(changes: Partial<AccessRequest> = {}): AccessRequest {
  return {
    actor: DOCTOR,
    patientId: mid('p-1'),
    record: SAMPLE_RECORD,
    action: 'read',
    purpose: 'TREAT',
    atMs: FROM_MS,
    ...changes,
  };
}

/** An exclusion of everything, or of a scope, for one person. */
export const excluding = (id: string, scope: Scope = {}) => [{ who: { kind: 'person' as const, id: mid(id) }, scope }];
