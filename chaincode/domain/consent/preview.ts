import type { DelegationId, GrantId, MemberId, PatientId, RecordId, RepresentationId } from '../ids.js';
import { PURPOSES, type Purpose } from '../vocabulary.js';
import { type Actor, decideAccess } from './access-policy.js';
import type { CareGroup } from './care-group.js';
import type { Consents } from './consents.js';
import type { Delegation } from './delegation.js';
import type { Grant } from './grant.js';
import type { Policy } from './policy.js';
import type { Representation } from './representation.js';
import type { RecordFacts } from './scope.js';

/** What is about to be signed: a new statement, or the next version of a stored one. */
export type ConsentChange =
  | { readonly kind: 'grant'; readonly grant: Grant }
  | { readonly kind: 'delegation'; readonly delegation: Delegation }
  | { readonly kind: 'policy'; readonly policy: Policy }
  | { readonly kind: 'group'; readonly group: CareGroup }
  | { readonly kind: 'representation'; readonly representation: Representation }
  | { readonly kind: 'revocation'; readonly id: GrantId | DelegationId | RepresentationId };

/** What one person could do for one purpose on one side of the change and not on the other. */
export interface AccessDifference {
  readonly memberId: MemberId;
  /** `add`: more of the same class, label and date as these records. */
  readonly action: 'read' | 'add';
  readonly purpose: Purpose;
  readonly recordIds: readonly RecordId[];
}

export interface ChangePreview {
  readonly gains: readonly AccessDifference[];
  readonly losses: readonly AccessDifference[];
}

/** What the patient will have said once the change is stored. */
export function applyChange(consents: Consents, change: ConsentChange): Consents {
  switch (change.kind) {
    case 'grant':
      return { ...consents, grants: replaced(consents.grants, change.grant, ({ grantId }) => grantId) };
    case 'delegation': {
      const delegations = replaced(consents.delegations, change.delegation, ({ delegationId }) => delegationId);
      return { ...consents, delegations };
    }
    case 'policy':
      return { ...consents, policy: change.policy };
    case 'group':
      return { ...consents, groups: replaced(consents.groups, change.group, ({ groupId }) => groupId) };
    case 'representation': {
      const { representation } = change;
      const representations = replaced(consents.representations, representation, (given) => given.representationId);
      return { ...consents, representations };
    }
    case 'revocation':
      return revoked(consents, change.id);
  }
}

function replaced<T>(items: readonly T[], item: T, idOf: (item: T) => string): readonly T[] {
  return [...items.filter((other) => idOf(other) !== idOf(item)), item];
}

function revoked(consents: Consents, id: string): Consents {
  const taken = <T extends { version: number }>(items: readonly T[], idOf: (item: T) => string): readonly T[] =>
    items.map((item) => (idOf(item) === id ? { ...item, version: item.version + 1, revoked: true } : item));
  return {
    ...consents,
    grants: taken(consents.grants, ({ grantId }) => grantId),
    delegations: taken(consents.delegations, ({ delegationId }) => delegationId),
    representations: taken(consents.representations, ({ representationId }) => representationId),
  };
}

interface Place {
  readonly actor: Actor;
  readonly action: 'read' | 'add';
  readonly purpose: Purpose;
}

/**
 * Who gains and who loses by a change, before it is signed. Decided by `decideAccess` on both sides, so that it says
 * what will be decided.
 *
 * @param given.atMs - when: of a grant that begins later, its beginning
 */
export function previewChange(given: {
  readonly patientId: PatientId;
  readonly consents: Consents;
  readonly change: ConsentChange;
  readonly members: readonly Actor[];
  readonly records: readonly RecordFacts[];
  readonly atMs: number;
}): ChangePreview {
  const { consents, change, members, records } = given;
  const after = applyChange(consents, change);
  const places = members.flatMap((actor) =>
    PURPOSES.flatMap((purpose) => (['read', 'add'] as const).map((action): Place => ({ actor, action, purpose }))),
  );
  const gains: AccessDifference[] = [];
  const losses: AccessDifference[] = [];
  for (const place of places) {
    const may = (side: Consents) => (record: RecordFacts) => isPermitted(given, { ...place, record }, side);
    const before = new Set(records.filter(may(consents)));
    const then = new Set(records.filter(may(after)));
    gains.push(...differenceOf(place, then, before));
    losses.push(...differenceOf(place, before, then));
  }
  return { gains, losses };
}

function isPermitted(
  { patientId, atMs }: { readonly patientId: PatientId; readonly atMs: number },
  { actor, action, purpose, record }: Place & { readonly record: RecordFacts },
  consents: Consents,
): boolean {
  const { recordId: _recordId, ...kind } = record;
  const facts = action === 'add' ? kind : record;
  return decideAccess({ actor, patientId, record: facts, action, purpose, atMs }, consents).outcome === 'permit';
}

function differenceOf(
  { actor, action, purpose }: Place,
  more: ReadonlySet<RecordFacts>,
  fewer: ReadonlySet<RecordFacts>,
): readonly AccessDifference[] {
  const recordIds = [...more].filter((record) => !fewer.has(record)).map(({ recordId }) => recordId);
  return recordIds.length === 0 ? [] : [{ memberId: actor.memberId, action, purpose, recordIds }];
}
