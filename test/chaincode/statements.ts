import {
  type CareGroupBody,
  type DelegationBody,
  type DelegationId,
  type EmergencyBody,
  type EmergencyId,
  type GroupId,
  POLICY_ID,
  type PolicyBody,
  type RepresentationBody,
  type RepresentationId,
  type TransactionAnswer,
} from '@medledger/chaincode/domain';
import { type ChainActor, randomId, signFor, signStatement } from '../support/chain-actor.js';
import { DAY_MS, openingOf, type TestConsortium } from './test-consortium.js';

const HOUR_MS = 3_600_000;

/** Signed by the patient, or by somebody for the patient, who is then named. */
function signedBy(signer: ChainActor, patient: ChainActor, stating: Parameters<typeof signStatement>[1]) {
  return signer.memberId === patient.memberId ? signStatement(signer, stating) : signFor(signer, patient, stating);
}

export function policyBody(change: Partial<PolicyBody> = {}): PolicyBody {
  return {
    defaultRule: { kind: 'deny' },
    emergency: { allowed: true, labels: ['N'], excludedClasses: [] },
    exclusions: [],
    ...change,
  };
}

export function setPolicy(
  consortium: TestConsortium,
  patient: ChainActor,
  said: { body?: Partial<PolicyBody>; version?: number; signer?: ChainActor } = {},
): Promise<TransactionAnswer> {
  const { version = 1, signer = patient } = said;
  const stating = { kind: 'policy', id: POLICY_ID, version, body: policyBody(said.body) } as const;
  const policy = signedBy(signer, patient, stating);
  return consortium.submit(signer, 'consents:setPolicy', { patientId: patient.memberId, policy });
}

export async function setGroup(
  consortium: TestConsortium,
  patient: ChainActor,
  said: { members: readonly string[]; groupId?: GroupId; version?: number; signer?: ChainActor },
): Promise<GroupId> {
  const { groupId = randomId<GroupId>('c'), version = 1, signer = patient } = said;
  const body = { members: said.members } as CareGroupBody;
  const group = signedBy(signer, patient, { kind: 'group', id: groupId, version, body });
  await consortium.submit(signer, 'consents:setGroup', { patientId: patient.memberId, group });
  return groupId;
}

export async function appoint(
  consortium: TestConsortium,
  patient: ChainActor,
  said: Partial<RepresentationBody> & { representative: RepresentationBody['representative'] },
  id = randomId<RepresentationId>('r'),
): Promise<RepresentationId> {
  const { timeMs } = consortium;
  const body = { fromMs: timeMs, untilMs: timeMs + DAY_MS, ...said };
  const representation = signStatement(patient, { kind: 'representation', id, body });
  await consortium.submit(patient, 'consents:appoint', { patientId: patient.memberId, representation });
  return id;
}

export function delegationBody(
  consortium: TestConsortium,
  said: Partial<DelegationBody> & Pick<DelegationBody, 'parentId'>,
): DelegationBody {
  const { timeMs } = consortium;
  return {
    grantee: { kind: 'person', id: 'doctor-b' as never },
    actions: ['read'],
    scope: {},
    purpose: 'TREAT',
    fromMs: timeMs,
    untilMs: timeMs + DAY_MS / 2,
    ...said,
  };
}

export async function delegate(
  consortium: TestConsortium,
  delegateActor: ChainActor,
  passed: { patient: ChainActor; body: DelegationBody; id?: DelegationId },
): Promise<DelegationId> {
  const { patient, body, id = randomId<DelegationId>('d') } = passed;
  const delegation = signFor(delegateActor, patient, { kind: 'delegation', id, body });
  await consortium.submit(delegateActor, 'consents:delegate', { patientId: patient.memberId, delegation });
  return id;
}

/** Takes back a grant (g), a delegation (d) or a representation (r). */
export function revokeBy(
  consortium: TestConsortium,
  signer: ChainActor,
  taken: { patient: ChainActor; id: string; version?: number },
): Promise<TransactionAnswer> {
  const { patient, id, version = 2 } = taken;
  const revocation = signedBy(signer, patient, { kind: 'revocation', id, version, body: {} });
  return consortium.submit(signer, 'consents:revoke', { patientId: patient.memberId, revocation });
}

export function declaration(
  consortium: TestConsortium,
  actor: ChainActor,
  said: { patient: ChainActor; id?: EmergencyId; body?: Partial<EmergencyBody>; version?: number },
) {
  const { timeMs } = consortium;
  const { patient, id = randomId<EmergencyId>('e'), version = 1 } = said;
  const body = { reason: 'unconscious', fromMs: timeMs, untilMs: timeMs + HOUR_MS, ...said.body } as const;
  return signFor(actor, patient, { kind: 'emergency', id, version, body });
}

/** The business of an emergency that is declared with this call. */
export function emergencyOf(
  consortium: TestConsortium,
  actor: ChainActor,
  said: Parameters<typeof declaration>[2] & { recordIds?: readonly string[] },
) {
  const { patientId, oneTimeKey } = openingOf(said.patient, []);
  const recordIds = said.recordIds ?? [];
  return { patientId, declaration: declaration(consortium, actor, said), recordIds, oneTimeKey };
}

/** Basis or code of each record of an opening. */
export function decisionsOf({ outcome }: TransactionAnswer): readonly string[] {
  const { items = [] } = outcome;
  return items.map((item) => (item.outcome === 'permit' ? item.basis.kind : item.code));
}
