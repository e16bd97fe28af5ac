import { type Static, Type } from '@fastify/type-provider-typebox';
import { GRANTEE_KINDS, limits } from '@medledger/chaincode/domain';
import { pageOf, pageQuery } from './page.js';
import {
  action,
  grantId,
  label,
  memberId,
  oneOf,
  patientId,
  purpose,
  recordClass,
  recordId,
  requestId,
  strictObject,
  time,
  transactionId,
  wholeNumber,
} from './vocabulary.js';

// Wider than what is built: label V has a shape here and no key construction yet. consent-input.ts refuses it with
// NOT_SUPPORTED, which tells a client more than an unknown member would.

export const scope = strictObject({
  classes: Type.Optional(listOf(recordClass, limits.SCOPE_CLASSES_MAX)),
  records: Type.Optional(listOf(recordId, limits.SCOPE_RECORDS_MAX)),
  labels: Type.Optional(listOf(label, 3)),
  dataFrom: Type.Optional(time),
  dataUntil: Type.Optional(time),
});
export const grantee = strictObject({
  kind: oneOf(GRANTEE_KINDS, `one of ${GRANTEE_KINDS.join(', ')}`),
  id: memberId,
  agencyId: Type.Optional(memberId),
});
export const actions = listOf(action, 3);
const uses = Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'a whole number from 1 to 1000000' });

export const grantBody = strictObject({
  grantee,
  actions,
  scope,
  purpose,
  from: Type.Optional(time),
  until: time,
  uses: Type.Optional(uses),
});
export const givenGrant = strictObject({ grantId, transactionId });
/** What is not named stays as it was; the grantee cannot be altered. */
export const grantChanges = strictObject({
  actions: Type.Optional(actions),
  scope: Type.Optional(scope),
  purpose: Type.Optional(purpose),
  from: Type.Optional(time),
  until: Type.Optional(time),
  uses: Type.Optional(uses),
});
export const alteredGrant = strictObject({ grantId, version: wholeNumber, transactionId });
export const grantPath = strictObject({ grantId });
export const revokedGrant = strictObject({ transactionId });
export const listQuery = strictObject(pageQuery);
export const requestsQuery = strictObject({ patientId: Type.Optional(patientId), ...pageQuery });

export const shownScope = strictObject({
  classes: Type.Optional(Type.Array(Type.String())),
  records: Type.Optional(Type.Array(Type.String())),
  labels: Type.Optional(Type.Array(Type.String())),
  dataFrom: Type.Optional(time),
  dataUntil: Type.Optional(time),
});
export const shownGrantee = strictObject({
  kind: Type.String(),
  id: Type.String(),
  agencyId: Type.Optional(Type.String()),
});
export const grantPage = pageOf(
  strictObject({
    grantId,
    grantee: shownGrantee,
    actions: Type.Array(Type.String()),
    scope: shownScope,
    purpose: Type.String(),
    from: time,
    until: time,
    uses: Type.Optional(wholeNumber),
    used: Type.Optional(wholeNumber),
    givenBy: Type.Optional(Type.String({ description: 'the representative who gave it' })),
    version: wholeNumber,
    status: oneOf(['live', 'not-started', 'ended', 'revoked'], 'live, not-started, ended or revoked'),
    transactionId,
  }),
);

export const accessRequestBody = strictObject({
  patientId,
  grantee: Type.Optional(grantee),
  actions,
  scope,
  purpose,
  until: time,
  reason: Type.String({ minLength: 1, maxLength: 2000, description: 'a text of 1 to 2000 characters' }),
});
export const requestedAccess = strictObject({
  requestId,
  status: oneOf(['pending'], 'pending'),
  transactionId: Type.Optional(transactionId),
});
export const requestPath = strictObject({ requestId });
export const accessRequestPage = pageOf(
  strictObject({
    requestId,
    patientId,
    requesterId: memberId,
    grantee: Type.Optional(shownGrantee),
    actions: Type.Array(Type.String()),
    scope: shownScope,
    purpose: Type.String(),
    until: time,
    requestedAt: time,
    status: oneOf(['pending', 'approved', 'refused'], 'pending, approved or refused'),
    grantId: Type.Optional(grantId),
    reason: Type.Optional(Type.String({ description: 'readable by the patient only' })),
  }),
);

export const approvalBody = strictObject({
  actions: Type.Optional(actions),
  scope: Type.Optional(scope),
  until: Type.Optional(time),
  uses: Type.Optional(uses),
});
/** No body, or an empty object. */
export const refusalBody = Type.Unsafe<Record<string, never> | null>({
  type: ['object', 'null'],
  properties: {},
  additionalProperties: false,
  description: 'nothing, or an empty object',
});
export const refusedRequest = strictObject({ transactionId });

export type ScopeBody = Static<typeof scope>;
export type GranteeBody = Static<typeof grantee>;
export type GrantChangesBody = Static<typeof grantChanges>;
export type GrantBody = Static<typeof grantBody>;
export type AccessRequestBody = Static<typeof accessRequestBody>;
export type ApprovalBody = Static<typeof approvalBody>;

export function listOf<T extends Parameters<typeof Type.Array>[0]>(item: T, itemsMax: number) {
  return Type.Array(item, {
    minItems: 1,
    maxItems: itemsMax,
    uniqueItems: true,
    description: `a list of 1 to ${itemsMax} different items`,
  });
}
