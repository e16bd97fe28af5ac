import { DomainError } from '../errors.js';
import { recordClass, type RecordId, recordId } from '../ids.js';
import { EXCLUSIONS_MAX, SCOPE_CLASSES_MAX } from '../limits.js';
import type { SignedStatement } from '../statement.js';
import { boolean, distinct, integer, list, object, oneOf, optional, type Parse } from '../shape.js';
import { type Label, type Purpose, PURPOSES, purpose, type Role, STAFF_ROLES } from '../vocabulary.js';
import { type Grantee, grantee } from './grantee.js';
import { type Scope, scope } from './scope.js';
import { parseStated, type Stated } from './stated.js';

/** A patient has one policy; its statements all carry this id. */
export const POLICY_ID = `y${'0'.repeat(32)}`;

/** What holds for staff of whom no grant speaks. Labels beyond N are never given by default. */
export type DefaultRule =
  | { readonly kind: 'deny' }
  | {
      readonly kind: 'permit';
      readonly roles: readonly Role[];
      readonly purposes: readonly Purpose[];
      readonly scope: Scope;
      /** Register the patient saw: who was named later needs a notice first. */
      readonly registerVersion: number;
    };

/** What a doctor or nurse may read when the patient cannot be asked. */
export interface EmergencyRule {
  /** False: the patient opted out altogether. */
  readonly allowed: boolean;
  readonly labels: readonly Label[];
  readonly excludedClasses: readonly string[];
  /** Record to be shown first. */
  readonly card?: RecordId;
}

/** Beats every grant, the default and emergencies. In its scope absent labels mean every label. */
export interface Exclusion {
  readonly who: Grantee;
  readonly scope: Scope;
}

/** What the patient says once for all; without one nothing is given by default and no emergency opens anything. */
export interface PolicyBody {
  readonly defaultRule: DefaultRule;
  readonly emergency: EmergencyRule;
  readonly exclusions: readonly Exclusion[];
}

export interface Policy extends PolicyBody {
  readonly version: number;
}

const policyId: Parse<typeof POLICY_ID> = oneOf([POLICY_ID]);

const defaultScope: Parse<Scope> = (value, pointer) => {
  const parsed = scope(value, pointer);
  if (parsed.labels?.some((given) => given !== 'N') === true)
    throw new DomainError('INPUT_INVALID', `${pointer}/labels: only what is labelled N is given by default`);
  return parsed;
};

const defaultRule: Parse<DefaultRule> = (value, pointer) => {
  const kind = oneOf(['deny', 'permit'])((value as { kind?: unknown } | null)?.kind, `${pointer}/kind`);
  if (kind === 'deny') return object({ kind: oneOf(['deny']) })(value, pointer);
  return object({
    kind: oneOf(['permit']),
    roles: distinct<Role>(oneOf(STAFF_ROLES), { min: 1, max: STAFF_ROLES.length }),
    purposes: distinct(purpose, { min: 1, max: PURPOSES.length }),
    scope: defaultScope,
    registerVersion: integer({ min: 1, max: 2 ** 31 }),
  })(value, pointer);
};

/** @throws DomainError STATEMENT_INVALID when it is no policy statement */
export function parsePolicyStatement(text: string): Stated<PolicyBody, typeof POLICY_ID> {
  return parseStated(text, { kind: 'policy', id: policyId, body: policyBody });
}

/** What the stored statement says now. */
export function policyOf(stored: SignedStatement): Policy {
  const { version, body } = parsePolicyStatement(stored.text);
  return { ...body, version };
}

/** @throws DomainError INPUT_INVALID or NOT_SUPPORTED, with a pointer */
export const policyBody: Parse<PolicyBody> = object({
  defaultRule,
  emergency: object({
    allowed: boolean,
    labels: distinct<Label>(oneOf(['N', 'R']), { min: 0, max: 2 }),
    excludedClasses: distinct(recordClass, { min: 0, max: SCOPE_CLASSES_MAX }),
    card: optional(recordId),
  }),
  exclusions: list(object({ who: grantee, scope }), { min: 0, max: EXCLUSIONS_MAX }),
});
