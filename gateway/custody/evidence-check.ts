import {
  type AccessRequest,
  type Actor,
  type Basis,
  decideAccess,
  DomainError,
  fromBase64url,
  type Grant,
  keyHashOf,
} from '@medledger/chaincode/domain';
import { disbelieve, type EvidenceCase, type EvidenceFound, StatementRefusal } from './evidence-case.js';
import { askingActor } from './known-keys.js';
import { signedConsents } from './signed-consents.js';
import { SignedStatements } from './signed-statements.js';

export { type EvidenceCase, type EvidenceFound, StatementRefusal } from './evidence-case.js';

/**
 * Checks that a permit rests on signatures: of the patient's pinned key, which the pseudonym certifies, of who speaks
 * for the patient or passes on, and for staff on the register document that two organisations signed. Then decides
 * again, as of the custodian's own clock, with nothing but what was signed. State alone convinces no custodian.
 *
 * @throws DomainError EVIDENCE_INVALID, REGISTER_SIGNATURES_MISSING; StatementRefusal with the code of the decision
 */
export function checkEvidence(given: EvidenceCase): EvidenceFound {
  try {
    return checkStatements(given);
  } catch (cause) {
    if (cause instanceof DomainError && cause.code === 'STATEMENT_INVALID')
      return disbelieve('what is stored as a statement is none', cause);
    throw cause;
  }
}

function checkStatements(given: EvidenceCase): EvidenceFound {
  const statements = new SignedStatements(given);
  if (given.basis.kind === 'own') return requireOwnKey(given, statements);
  const actor = askingActor(given);
  const { basis, evidence } = given;
  const { memberId } = actor;
  const noticed = evidence.noticed === undefined ? {} : { [memberId]: evidence.noticed };
  const consents = { ...signedConsents(statements, basis, evidence), noticed };
  requireCounted(given, consents.grants, statements);
  const decision = decideAccess(requestOf(given, actor), consents);
  if (decision.outcome === 'deny')
    throw new StatementRefusal(decision.code, `${basis.kind} does not carry this opening now`, statements.seen);
  requireSameBasis(basis, decision.basis);
  return { statements: statements.seen };
}

function requireOwnKey({ creatorKeyHash }: EvidenceCase, { patientKey }: SignedStatements): EvidenceFound {
  if (creatorKeyHash !== keyHashOf(fromBase64url(patientKey)))
    return disbelieve('the creator does not hold the key that the patient pinned');
  return { statements: [] };
}

function requestOf(given: EvidenceCase, actor: Actor): AccessRequest {
  const { basis, patientId, record, purpose, nowMs, action = 'read' } = given;
  const emergency = basis.kind === 'emergency' ? { emergencyId: basis.emergencyId } : {};
  return { actor, patientId, record, action, purpose, atMs: nowMs, ...emergency };
}

/**
 * How often a grant was used nobody signs: the chain counts. But an opening under a counted grant was counted before
 * anybody asked a custodian, so that a peer whose count has none of it, or too many, is not believed.
 */
function requireCounted(given: EvidenceCase, grants: readonly Grant[], statements: SignedStatements): void {
  for (const { grantId, uses, version } of grants) {
    const used = given.evidence.used[grantId] ?? 0;
    if (uses === undefined) continue;
    // A grant that was altered since may not have counted when it was opened under.
    if (used === 0 && versionsOf(given.basis).includes(version))
      disbelieve(`grant ${grantId} counts its uses, and this one was not counted`);
    if (used > uses)
      throw new StatementRefusal('USES_SPENT', `grant ${grantId} was used ${used} times of ${uses}`, statements.seen);
  }
}

/** The same rule in the version that was decided by, or a later one that still carries it. */
function requireSameBasis(committed: Basis, found: Basis): void {
  const isSame =
    idOf(committed) === idOf(found) &&
    versionsOf(found).every((version, index) => {
      const before = versionsOf(committed)[index];
      return before !== undefined && version >= before;
    });
  if (!isSame) disbelieve(`the decision rests on ${idOf(committed)}, the signed statements carry ${idOf(found)}`);
}

function idOf(basis: Basis): string {
  switch (basis.kind) {
    case 'own':
    case 'policy':
      return basis.kind;
    case 'grant':
      return `grant ${basis.grantId}`;
    case 'delegation':
      return `delegation ${basis.delegationId} of ${basis.grantId}`;
    case 'emergency':
      return `emergency ${basis.emergencyId}`;
    case 'representation':
      return `representation ${basis.representationId}`;
  }
}

function versionsOf(basis: Basis): readonly number[] {
  if (basis.kind === 'own') return [];
  if (basis.kind === 'delegation') return [basis.version, basis.grantVersion];
  return [basis.kind === 'emergency' ? basis.policyVersion : basis.version];
}
