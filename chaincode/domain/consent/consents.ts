import type { ConsentsAnswer } from '../answers.js';
import type { GrantId } from '../ids.js';
import { type CareGroup, careGroupOf } from './care-group.js';
import { type Delegation, delegationOf } from './delegation.js';
import { type Emergency, emergencyOf } from './emergency.js';
import { type Grant, grantOf } from './grant.js';
import { type Policy, policyOf } from './policy.js';
import { type Representation, representationOf } from './representation.js';

/**
 * Everything a patient has said, or the part of it that can concern one actor: the input of every decision,
 * explanation and preview. What does not concern the actor is ignored, so that a superset decides alike.
 */
export interface Consents {
  /** Undefined: the patient stated none, so nothing is given by default and no emergency opens anything. */
  readonly policy?: Policy;
  readonly grants: readonly Grant[];
  readonly delegations: readonly Delegation[];
  readonly groups: readonly CareGroup[];
  readonly representations: readonly Representation[];
  readonly emergencies: readonly Emergency[];
  /** Openings already made under grants that count them; absent means none. */
  readonly used: Readonly<Partial<Record<GrantId, number>>>;
  /** By member: the register version of the membership that the patient was told of on the chain. */
  readonly noticed: Readonly<Record<string, number>>;
}

/** Nothing said: as signed, and as read. */
export const NO_CONSENTS: Consents & ConsentsAnswer = {
  grants: [],
  delegations: [],
  groups: [],
  representations: [],
  emergencies: [],
  used: {},
  noticed: {},
};

/**
 * What the stored statements say now. Signatures are checked where they are stored and where keys are released.
 *
 * @throws DomainError STATEMENT_INVALID for what is none
 */
export function consentsOf(answer: ConsentsAnswer): Consents {
  return {
    ...(answer.policy === undefined ? {} : { policy: policyOf(answer.policy) }),
    grants: answer.grants.map(grantOf),
    delegations: answer.delegations.map(delegationOf),
    groups: answer.groups.map(careGroupOf),
    representations: answer.representations.map(representationOf),
    emergencies: answer.emergencies.map(({ declaration }) => emergencyOf(declaration)),
    used: answer.used,
    noticed: answer.noticed,
  };
}
