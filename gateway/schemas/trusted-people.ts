import { type Static, Type } from '@fastify/type-provider-typebox';
import { limits } from '@medledger/chaincode/domain';
import type { DelegationInput } from '../services/consent-services.js';
import { parseScope } from './consent-input.js';
import { actions, grantee, scope, shownGrantee, shownScope } from './consents.js';
import { parseOptionalTime, parseTime } from './iso-time.js';
import { pageOf } from './page.js';
import {
  delegationId,
  grantId,
  groupId,
  memberId,
  oneOf,
  patientId,
  purpose,
  representationId,
  strictObject,
  time,
  transactionId,
  wholeNumber,
} from './vocabulary.js';

// Whom a patient trusts besides single grantees: care groups, representatives, and those to whom a delegate passes on.

export const careGroupPath = strictObject({ patientId, groupId });
export const careGroupBody = strictObject({
  members: Type.Array(memberId, {
    maxItems: limits.GROUP_MEMBERS_MAX,
    uniqueItems: true,
    description: `a list of up to ${limits.GROUP_MEMBERS_MAX} different members`,
  }),
});
export const storedCareGroup = strictObject({ groupId, version: wholeNumber, transactionId });
export const careGroups = strictObject({
  items: Type.Array(strictObject({ groupId, version: wholeNumber, members: Type.Array(Type.String()) })),
});

export const representationPath = strictObject({ patientId, representationId });
export const appointBody = strictObject({ memberId, from: Type.Optional(time), until: time });
export const appointed = strictObject({ representationId, transactionId });
export const ended = strictObject({ transactionId });
export const representatives = strictObject({
  items: Type.Array(
    strictObject({
      representationId,
      memberId,
      from: time,
      until: time,
      version: wholeNumber,
      revoked: Type.Boolean(),
    }),
  ),
});

export const delegationPath = strictObject({ patientId, delegationId });
export const delegationBody = strictObject({
  grantId,
  grantee,
  actions,
  scope,
  purpose,
  from: Type.Optional(time),
  until: time,
});
export const passedOn = strictObject({ delegationId, transactionId });
export const delegations = strictObject({
  items: Type.Array(
    strictObject({
      delegationId,
      grantId,
      delegateId: memberId,
      grantee: shownGrantee,
      actions: Type.Array(Type.String()),
      scope: shownScope,
      purpose: Type.String(),
      from: time,
      until: time,
      version: wholeNumber,
      revoked: Type.Boolean(),
    }),
  ),
});

export const announced = strictObject({ transactionId });
export const noticePage = pageOf(
  strictObject({
    kind: oneOf(['emergency', 'review', 'joined'], 'emergency, review or joined'),
    at: time,
    memberId,
    transactionId,
    emergencyId: Type.Optional(Type.String()),
    finding: Type.Optional(Type.String()),
    agencyId: Type.Optional(Type.String()),
  }),
);

/** @throws MedledgerError INPUT_INVALID or NOT_SUPPORTED, with a pointer into the body */
export function parseDelegation(body: Static<typeof delegationBody>): DelegationInput {
  const { grantId: parentId, from, until, scope: given, ...rest } = body;
  const fromMs = parseOptionalTime(from, { pointer: '/from', in: 'body' });
  return {
    ...rest,
    parentId,
    scope: parseScope(given),
    untilMs: parseTime(until, { pointer: '/until', in: 'body' }),
    ...(fromMs !== undefined && { fromMs }),
  };
}
