import { type Static, Type } from '@fastify/type-provider-typebox';
import { limits } from '@medledger/chaincode/domain';
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

// Wider than what is built: `uses`, `share`, `role`, label V and the data window have a shape here and no rule yet.
// consent-input.ts refuses them with NOT_SUPPORTED, which tells a client more than an unknown member would.

const scope = strictObject({
  classes: Type.Optional(listOf(recordClass, limits.SCOPE_CLASSES_MAX)),
  records: Type.Optional(listOf(recordId, limits.SCOPE_RECORDS_MAX)),
  labels: Type.Optional(listOf(label, 3)),
  dataFrom: Type.Optional(time),
  dataUntil: Type.Optional(time),
});
const actions = listOf(action, 3);
const uses = Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'a whole number from 1 to 1000000' });

export const grantBody = strictObject({
  grantee: strictObject({
    kind: oneOf(['person', 'agency', 'role'], 'person, agency or role'),
    id: memberId,
  }),
  actions,
  scope,
  purpose,
  from: Type.Optional(time),
  until: time,
  uses: Type.Optional(uses),
});
export const givenGrant = strictObject({ grantId, transactionId });
export const grantPath = strictObject({ grantId });
export const revokedGrant = strictObject({ transactionId });
export const listQuery = strictObject(pageQuery);

const shownScope = strictObject({
  classes: Type.Optional(Type.Array(Type.String())),
  records: Type.Optional(Type.Array(Type.String())),
  labels: Type.Optional(Type.Array(Type.String())),
});
export const grantPage = pageOf(
  strictObject({
    grantId,
    grantee: strictObject({ kind: Type.String(), id: Type.String() }),
    actions: Type.Array(Type.String()),
    scope: shownScope,
    purpose: Type.String(),
    from: time,
    until: time,
    version: wholeNumber,
    status: oneOf(['live', 'not-started', 'ended', 'revoked'], 'live, not-started, ended or revoked'),
    transactionId,
  }),
);

export const accessRequestBody = strictObject({
  patientId,
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
export type GrantBody = Static<typeof grantBody>;
export type AccessRequestBody = Static<typeof accessRequestBody>;
export type ApprovalBody = Static<typeof approvalBody>;

function listOf<T extends Parameters<typeof Type.Array>[0]>(item: T, itemsMax: number) {
  return Type.Array(item, {
    minItems: 1,
    maxItems: itemsMax,
    uniqueItems: true,
    description: `a list of 1 to ${itemsMax} different items`,
  });
}
