import {
  type Basis,
  type EvidenceAnswer,
  type GrantBody,
  POLICY_ID,
  type PolicyBody,
  type SignedStatement,
  type StoredEmergency,
} from '@medledger/chaincode/domain';
import { type ChainActor, randomId, signFor, signStatement } from '../../support/chain-actor.js';
import { bodyFor, type Circle, HOUR_MS, memberOf, NOW_MS, OpeningCase } from './opening-case.js';

/** What a permit can rest on, one case for each, in order as it is. */
export interface BasisCase {
  readonly name: string;
  prepare(opening: OpeningCase): void;
}

const WINDOW = { fromMs: NOW_MS - HOUR_MS, untilMs: NOW_MS + HOUR_MS };

export function policyBody(change: Partial<PolicyBody> = {}): PolicyBody {
  return {
    defaultRule: { kind: 'deny' },
    emergency: { allowed: true, labels: ['N'], excludedClasses: [] },
    exclusions: [],
    ...change,
  };
}

export function signPolicy(patient: ChainActor, change: Partial<PolicyBody> = {}, version = 1): SignedStatement {
  return signStatement(patient, { kind: 'policy', id: POLICY_ID, version, body: policyBody(change) });
}

export function signGroup(patient: ChainActor, id: string, members: readonly string[], version = 1): SignedStatement {
  return signStatement(patient, { kind: 'group', id, version, body: { members } });
}

export function signRepresentation(patient: ChainActor, representative: ChainActor, id: string, change: object = {}) {
  const body = { representative: representative.memberId, ...WINDOW, ...change };
  return signStatement(patient, { kind: 'representation', id, body });
}

/** The document that names somebody, with the signatures of two organisations. */
export function signerOf(circle: Circle, person: ChainActor): EvidenceAnswer['signers'][number] {
  if (person.role === 'patient') return { member: memberOf(person) };
  const [first, second] = circle.organisations;
  const register = new OpeningCase(circle).registerSignedBy([first, second], { named: person });
  return { member: memberOf(person), register };
}

function withGrant(opening: OpeningCase, change: Partial<GrantBody>, signer?: ChainActor): void {
  const { patient, doctor } = opening.circle;
  const stating = { kind: 'grant', id: opening.grantId, body: bodyFor(doctor, change) } as const;
  opening.stored = {
    grant: signer === undefined ? signStatement(patient, stating) : signFor(signer, patient, stating),
  };
}

export function withDelegation(
  opening: OpeningCase,
  change: { parent?: Partial<GrantBody>; child?: object } = {},
): string {
  const { patient, doctor, otherDoctor } = opening.circle;
  const id = randomId<string>('d');
  withGrant(opening, {
    grantee: { kind: 'delegate', id: otherDoctor.memberId },
    actions: ['read', 'share'],
    ...change.parent,
  });
  const grantee = { kind: 'person', id: doctor.memberId };
  const body = { parentId: opening.grantId, grantee, actions: ['read'], scope: {}, purpose: 'TREAT', ...WINDOW };
  const statement = signFor(otherDoctor, patient, { kind: 'delegation', id, body: { ...body, ...change.child } });
  opening.basis = {
    kind: 'delegation',
    delegationId: id as never,
    version: 1,
    grantId: opening.grantId as never,
    grantVersion: 1,
  };
  opening.further = { delegations: [{ statement }], signers: [signerOf(opening.circle, otherDoctor)] };
  return id;
}

export function withEmergency(
  opening: OpeningCase,
  change: { body?: object; policy?: Partial<PolicyBody> } = {},
): void {
  const { patient, doctor } = opening.circle;
  const id = randomId<string>('e');
  const body = { reason: 'unconscious', fromMs: NOW_MS - 1000, untilMs: NOW_MS + HOUR_MS, ...change.body };
  const declaration = signFor(doctor, patient, { kind: 'emergency', id, body });
  const emergency: StoredEmergency = { declaration, declaredAtMs: NOW_MS, reviewDueMs: NOW_MS, txId: '' };
  opening.basis = { kind: 'emergency', emergencyId: id as never, policyVersion: 1 };
  opening.purpose = 'ETREAT';
  opening.stored = undefined;
  opening.further = { emergencies: [emergency], policy: signPolicy(patient, change.policy) };
}

export function withRepresentation(opening: OpeningCase, change: object = {}): string {
  const { patient, otherPatient } = opening.circle;
  const id = randomId<string>('r');
  opening.basis = { kind: 'representation', representationId: id as never, version: 1 } satisfies Basis;
  opening.creator = otherPatient;
  opening.actor = memberOf(otherPatient);
  opening.register = undefined;
  opening.stored = undefined;
  opening.further = { representations: [{ statement: signRepresentation(patient, otherPatient, id, change) }] };
  return id;
}

export const BASIS_CASES: readonly BasisCase[] = [
  { name: 'a grant to a person', prepare: () => undefined },
  {
    name: 'a grant to an agency whose late member the patient was told of',
    prepare(opening) {
      const [first, second] = opening.circle.organisations;
      withGrant(opening, { grantee: { kind: 'agency', id: 'practice-a' as never }, registerVersion: 1 });
      opening.register = opening.registerSignedBy([first, second], { version: 2 });
      opening.further = { noticed: 2 };
    },
  },
  {
    name: 'a grant to a role',
    prepare: (opening) => withGrant(opening, { grantee: { kind: 'role', id: 'doctor' }, registerVersion: 1 }),
  },
  {
    name: 'a grant to a care group',
    prepare(opening) {
      const { patient, doctor } = opening.circle;
      const id = randomId<string>('c');
      withGrant(opening, { grantee: { kind: 'group', id: id as never } });
      opening.further = { groups: [signGroup(patient, id, [doctor.memberId])] };
    },
  },
  {
    name: 'a grant by a representative',
    prepare(opening) {
      const { patient, otherPatient } = opening.circle;
      withGrant(opening, {}, otherPatient);
      const representation = signRepresentation(patient, otherPatient, randomId('r'));
      opening.further = {
        representations: [{ statement: representation }],
        signers: [signerOf(opening.circle, otherPatient)],
      };
    },
  },
  {
    name: 'a grant beside exclusions that do not reach the reader',
    prepare(opening) {
      const { patient, otherDoctor } = opening.circle;
      const id = randomId<string>('c');
      const exclusions = [{ who: { kind: 'group', id: id as never } as const, scope: {} }];
      opening.further = {
        policy: signPolicy(patient, { exclusions }),
        groups: [signGroup(patient, id, [otherDoctor.memberId])],
      };
    },
  },
  { name: 'a grant that counts', prepare: (opening) => withCount(opening, 1) },
  { name: 'a delegation', prepare: (opening) => void withDelegation(opening) },
  {
    name: 'the default of the policy',
    prepare(opening) {
      const rule = { kind: 'permit', roles: ['doctor'], purposes: ['TREAT'], scope: {}, registerVersion: 1 } as const;
      opening.basis = { kind: 'policy', version: 1 };
      opening.stored = undefined;
      opening.further = { policy: signPolicy(opening.circle.patient, { defaultRule: rule }) };
    },
  },
  { name: 'an emergency', prepare: (opening) => withEmergency(opening) },
  { name: 'a representation', prepare: (opening) => void withRepresentation(opening) },
];

export function withCount(opening: OpeningCase, used: number | undefined): void {
  withGrant(opening, { uses: 2 });
  opening.further = { used: used === undefined ? {} : { [opening.grantId]: used } };
}
