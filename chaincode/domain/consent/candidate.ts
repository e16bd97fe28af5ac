import type { GrantId } from '../ids.js';
import type { Purpose } from '../vocabulary.js';
import type { AccessRequest, Basis } from './access-policy.js';
import type { Consents } from './consents.js';
import type { Delegation } from './delegation.js';
import { type Grant, isLive } from './grant.js';
import { isTold, isTrustedGroup, reaches } from './reach.js';
import { covers, coversExcluded } from './scope.js';

/** What is asked, before anybody says for what. */
export type Asked = Omit<AccessRequest, 'purpose' | 'emergencyId'>;

/** A rule that names this actor, this action and this record: it permits when purpose, time, notice and uses agree. */
export interface Candidate {
  readonly basis: Extract<Basis, { kind: 'grant' | 'delegation' | 'policy' }>;
  readonly purposes: readonly Purpose[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly revoked: boolean;
  /** False: the actor joined later, and the patient was not told. */
  readonly told: boolean;
  /** The grant whose uses an opening spends. */
  readonly counted?: GrantId;
  readonly spent: boolean;
}

/** Every rule that could permit this, for whatever purpose, with what may still stand in its way. */
export function candidatesFor(asked: Asked, consents: Consents): readonly Candidate[] {
  return [
    ...consents.grants.flatMap((grant) => candidateOfGrant(grant, asked, consents)),
    ...consents.delegations.flatMap((delegation) => candidateOfDelegation(delegation, asked, consents)),
    ...candidateOfDefault(asked, consents),
  ];
}

/** Nothing stands in its way but, perhaps, the purpose. */
export function isUsable(candidate: Candidate, atMs: number): boolean {
  return isLive(candidate, atMs) && candidate.told && !candidate.spent;
}

/** Uncounted before counted, what lasts longest before what ends sooner, then the lowest id; the default comes last. */
export function byPreference(left: Candidate, right: Candidate): number {
  return (
    Number(left.basis.kind === 'policy') - Number(right.basis.kind === 'policy') ||
    Number(left.counted !== undefined) - Number(right.counted !== undefined) ||
    right.untilMs - left.untilMs ||
    (idOf(left.basis) < idOf(right.basis) ? -1 : 1)
  );
}

function idOf(basis: Candidate['basis']): string {
  if (basis.kind === 'policy') return '';
  return basis.kind === 'grant' ? basis.grantId : basis.delegationId;
}

function candidateOfGrant(grant: Grant, asked: Asked, consents: Consents): readonly Candidate[] {
  const { grantId, version, purpose, fromMs, untilMs, revoked } = grant;
  if (!carries(grant, asked) || !reaches(grant.grantee, asked.actor, consents.groups)) return [];
  return [
    {
      basis: { kind: 'grant', grantId, version },
      purposes: [purpose],
      fromMs,
      untilMs,
      revoked,
      told: isTrustedGroup(grant.grantee) ? isTold(asked.actor, grant.registerVersion, consents.noticed) : true,
      ...countOf(grant, asked, consents),
    },
  ];
}

/** What is asked lies within what was given, whoever it was given to. */
function carries(grant: Grant, { patientId, action, record }: Asked): boolean {
  return grant.patientId === patientId && grant.actions.includes(action) && covers(grant.scope, record);
}

/** Only what is opened is counted. */
function countOf(
  { grantId, uses }: Grant,
  { action }: Asked,
  { used }: Consents,
): Pick<Candidate, 'counted' | 'spent'> {
  if (uses === undefined || action !== 'read') return { spent: false };
  return { counted: grantId, spent: (used[grantId] ?? 0) >= uses };
}

/** A child is read through its parent as that stands now: nothing rewrites children. */
function candidateOfDelegation(child: Delegation, asked: Asked, consents: Consents): readonly Candidate[] {
  const { delegationId, version, parentId, purpose } = child;
  const gives =
    asked.action !== 'share' &&
    child.actions.includes(asked.action) &&
    covers(child.scope, asked.record) &&
    reaches(child.grantee, asked.actor, consents.groups);
  const parent = consents.grants.find(({ grantId }) => grantId === parentId);
  if (!gives || parent === undefined || !isParent(parent, child, asked, consents)) return [];
  return [
    {
      basis: { kind: 'delegation', delegationId, version, grantId: parentId, grantVersion: parent.version },
      purposes: [purpose],
      fromMs: Math.max(child.fromMs, parent.fromMs),
      untilMs: Math.min(child.untilMs, parent.untilMs),
      revoked: child.revoked || parent.revoked,
      told: isTrustedGroup(child.grantee) ? isTold(asked.actor, child.registerVersion, consents.noticed) : true,
      ...countOf(parent, asked, consents),
    },
  ];
}

function isParent(parent: Grant, child: Delegation, asked: Asked, consents: Consents): boolean {
  const { grantee, actions, purpose } = parent;
  return (
    grantee.kind === 'delegate' &&
    grantee.id === child.delegateId &&
    actions.includes('share') &&
    purpose === child.purpose &&
    carries(parent, asked) &&
    !isDelegateExcluded(child, asked, consents)
  );
}

/** Who may not have it has nothing to pass on. By name only: the roles of others than the actor are not known here. */
function isDelegateExcluded({ delegateId }: Delegation, { record }: Asked, { policy }: Consents): boolean {
  const exclusions = policy?.exclusions ?? [];
  return exclusions.some(
    ({ who, scope }) =>
      (who.kind === 'person' || who.kind === 'delegate') && who.id === delegateId && coversExcluded(scope, record),
  );
}

/** What the policy gives to staff: reading what is labelled N. */
function candidateOfDefault(asked: Asked, { policy, noticed }: Consents): readonly Candidate[] {
  const { actor, action, record } = asked;
  const rule = policy?.defaultRule;
  if (policy === undefined || rule?.kind !== 'permit') return [];
  const gives =
    action === 'read' && record.label === 'N' && rule.roles.includes(actor.role) && covers(rule.scope, record);
  if (!gives) return [];
  return [
    {
      basis: { kind: 'policy', version: policy.version },
      purposes: rule.purposes,
      fromMs: 0,
      untilMs: Number.MAX_SAFE_INTEGER,
      revoked: false,
      told: isTold(actor, rule.registerVersion, noticed),
      spent: false,
    },
  ];
}
