import { type Static, Type } from '@fastify/type-provider-typebox';
import { limits, PURPOSES, STAFF_ROLES } from '@medledger/chaincode/domain';
import type { PolicyInput } from '../services/consent-services.js';
import { parseScope } from './consent-input.js';
import { grantee, listOf, scope, shownGrantee, shownScope } from './consents.js';
import {
  label,
  oneOf,
  purpose,
  recordClass,
  recordId,
  strictObject,
  transactionId,
  wholeNumber,
} from './vocabulary.js';

const role = oneOf(STAFF_ROLES, `one of ${STAFF_ROLES.join(', ')}`);
const some = <T extends Parameters<typeof Type.Array>[0]>(item: T, itemsMax: number) =>
  Type.Array(item, {
    maxItems: itemsMax,
    uniqueItems: true,
    description: `a list of up to ${itemsMax} different items`,
  });

/** `scope` and the like belong to `permit`; the rule itself says which of them are missing. */
const defaultRule = strictObject({
  kind: oneOf(['deny', 'permit'], 'deny or permit'),
  roles: Type.Optional(listOf(role, STAFF_ROLES.length)),
  purposes: Type.Optional(listOf(purpose, PURPOSES.length)),
  scope: Type.Optional(scope),
});

const emergency = strictObject({
  allowed: Type.Boolean({ description: 'true or false' }),
  labels: some(label, 3),
  excludedClasses: some(recordClass, limits.SCOPE_CLASSES_MAX),
  card: Type.Optional(recordId),
});

export const policyBody = strictObject({
  defaultRule,
  emergency,
  exclusions: Type.Array(strictObject({ who: grantee, scope }), {
    maxItems: limits.EXCLUSIONS_MAX,
    description: `a list of up to ${limits.EXCLUSIONS_MAX} exclusions`,
  }),
});
export const storedPolicy = strictObject({ version: wholeNumber, transactionId });

export const shownPolicy = strictObject({
  version: wholeNumber,
  defaultRule: strictObject({
    kind: Type.String(),
    roles: Type.Optional(Type.Array(Type.String())),
    purposes: Type.Optional(Type.Array(Type.String())),
    scope: Type.Optional(shownScope),
  }),
  emergency: strictObject({
    allowed: Type.Boolean(),
    labels: Type.Array(Type.String()),
    excludedClasses: Type.Array(Type.String()),
    card: Type.Optional(recordId),
  }),
  exclusions: Type.Array(strictObject({ who: shownGrantee, scope: shownScope })),
});
/** Without one nothing is given by default, and no emergency opens anything. */
export const policyAnswer = strictObject({ policy: Type.Optional(shownPolicy) });

/** @throws MedledgerError INPUT_INVALID or NOT_SUPPORTED, with a pointer into the body */
export function parsePolicy(body: Static<typeof policyBody>): PolicyInput {
  const { defaultRule: rule } = body;
  const scopeOfRule = rule.scope === undefined ? {} : { scope: parseScope(rule.scope, '/defaultRule/scope') };
  return {
    ...body,
    // Which members a rule must have, and must not, the rules of the chain say.
    defaultRule: { ...rule, ...scopeOfRule } as PolicyInput['defaultRule'],
    exclusions: body.exclusions.map(({ who, scope: given }, at) => ({
      who,
      scope: parseScope(given, `/exclusions/${at}/scope`),
    })),
  };
}
