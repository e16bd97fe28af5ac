import {
  type Basis,
  careGroupOf,
  type Consents,
  delegationOf,
  type EvidenceAnswer,
  emergencyOf,
  type Grant,
  type Grantee,
  type GrantId,
  type GroupId,
  grantOf,
  type MemberId,
  NO_CONSENTS,
  parseDelegationStatement,
  parseEmergencyStatement,
  parseGroupStatement,
  parseRepresentationStatement,
  type Policy,
  POLICY_ID,
  policyOf,
  representationOf,
  type StoredGrant,
} from '@medledger/chaincode/domain';
import { disbelieve } from './evidence-case.js';
import type { SignedStatements } from './signed-statements.js';

type BasisOf<K extends Basis['kind']> = Extract<Basis, { kind: K }>;

const PATIENT = { kind: 'patient' } as const;
const PATIENT_ALONE = { kind: 'patient alone' } as const;

/**
 * What the patient has said, as far as the basis of a permit needs it and signatures bear it out. Nothing else is in
 * it, so that a permit can stand on nothing else; the policy always is, because what it excludes no basis outweighs.
 *
 * @throws DomainError EVIDENCE_INVALID, REGISTER_SIGNATURES_MISSING
 */
export function signedConsents(statements: SignedStatements, basis: Basis, evidence: EvidenceAnswer): Consents {
  const policy = signedPolicy(statements, evidence, basis);
  const carrying = carriers(statements, basis, evidence);
  const named = [
    ...(policy?.exclusions ?? []).map(({ who }) => who),
    ...(carrying.grants ?? []).map(({ grantee }) => grantee),
  ];
  return {
    ...NO_CONSENTS,
    ...carrying,
    ...(policy === undefined ? {} : { policy }),
    groups: signedGroups(statements, evidence, named),
  };
}

/** Of the policy only what the basis may rest on: the default permits on its own basis alone. */
function signedPolicy(statements: SignedStatements, { policy }: EvidenceAnswer, basis: Basis): Policy | undefined {
  if (policy === undefined) {
    statements.noteAbsent(POLICY_ID);
    return undefined;
  }
  statements.require(policy, PATIENT);
  const said = policyOf(policy);
  return basis.kind === 'policy' ? said : { ...said, defaultRule: { kind: 'deny' } };
}

function carriers(statements: SignedStatements, basis: Basis, evidence: EvidenceAnswer): Partial<Consents> {
  switch (basis.kind) {
    case 'grant':
      return { grants: [signedGrant(statements, basis, evidence)] };
    case 'delegation':
      return signedDelegation(statements, basis, evidence);
    case 'representation':
      return signedRepresentation(statements, basis, evidence);
    case 'emergency':
      return signedEmergency(statements, basis, evidence);
    case 'policy':
    case 'own':
      return {};
  }
}

function signedGrant(
  statements: SignedStatements,
  { grantId }: { readonly grantId: GrantId },
  { grants }: EvidenceAnswer,
): Grant {
  const stored = grants.find((candidate) => candidate.grantId === grantId)?.stored;
  if (stored === undefined) return disbelieve(`grant ${grantId} is not in state`);
  requireSignedGrant(statements, stored);
  const grant = grantOf(stored);
  return grant.grantId === grantId ? grant : disbelieve('the signed statement is about another grant');
}

function requireSignedGrant(statements: SignedStatements, { grant, revocation }: StoredGrant): void {
  statements.require(grant, PATIENT);
  if (revocation !== undefined) statements.require(revocation, PATIENT);
}

/** Signed by the delegate; the parent, which it rests on, by the patient. */
function signedDelegation(
  statements: SignedStatements,
  basis: BasisOf<'delegation'>,
  evidence: EvidenceAnswer,
): Partial<Consents> {
  const parent = signedGrant(statements, basis, evidence);
  const stored = evidence.delegations.find(
    ({ statement }) => parseDelegationStatement(statement.text).id === basis.delegationId,
  );
  if (stored === undefined) return disbelieve(`delegation ${basis.delegationId} is not in state`);
  const { by: memberId } = parseDelegationStatement(stored.statement.text);
  statements.require(stored.statement, { kind: 'person', memberId });
  if (stored.revocation !== undefined) statements.require(stored.revocation, { kind: 'person or patient', memberId });
  return { grants: [parent], delegations: [delegationOf(stored)] };
}

/** Signed by the patient alone; laid down by the representative, too. */
function signedRepresentation(
  statements: SignedStatements,
  { representationId }: BasisOf<'representation'>,
  { representations }: EvidenceAnswer,
): Partial<Consents> {
  const stored = representations.find(
    ({ statement }) => parseRepresentationStatement(statement.text).id === representationId,
  );
  if (stored === undefined) return disbelieve(`representation ${representationId} is not in state`);
  statements.require(stored.statement, PATIENT_ALONE);
  const { representative } = parseRepresentationStatement(stored.statement.text).body;
  if (stored.revocation !== undefined)
    statements.require(stored.revocation, { kind: 'person or patient', memberId: representative });
  return { representations: [representationOf(stored)] };
}

/** Signed by who reads; that the patient's ceiling allows it, the policy says. */
function signedEmergency(
  statements: SignedStatements,
  { emergencyId }: BasisOf<'emergency'>,
  { emergencies, actor }: EvidenceAnswer,
): Partial<Consents> {
  const stored = emergencies.find(({ declaration }) => parseEmergencyStatement(declaration.text).id === emergencyId);
  if (stored === undefined) return disbelieve(`emergency ${emergencyId} is not in state`);
  const { by: memberId } = parseEmergencyStatement(stored.declaration.text);
  statements.require(stored.declaration, { kind: 'person', memberId: requireSame(memberId, actor?.memberId) });
  return { emergencies: [emergencyOf(stored.declaration)] };
}

function requireSame(declaredBy: MemberId, actorId: MemberId | undefined): MemberId {
  return declaredBy === actorId ? declaredBy : disbelieve('somebody else declared this emergency');
}

/** A group that is named and not there may have anybody in it: who is excluded then, nobody can tell. */
function signedGroups(
  statements: SignedStatements,
  { groups }: EvidenceAnswer,
  named: readonly Grantee[],
): Consents['groups'] {
  const groupIds = new Set(named.flatMap((who): readonly GroupId[] => (who.kind === 'group' ? [who.id] : [])));
  return [...groupIds].map((groupId) => {
    const stored = groups.find(({ text }) => parseGroupStatement(text).id === groupId);
    if (stored === undefined) return disbelieve(`group ${groupId} is not in state`);
    statements.require(stored, PATIENT);
    return careGroupOf(stored);
  });
}
