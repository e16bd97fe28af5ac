import { Type } from '@fastify/type-provider-typebox';
import { pageOf, pageQuery } from './page.js';
import { outcome, sha256Hex, strictObject, text, time, transactionId, wholeNumber } from './vocabulary.js';

export const accessLogQuery = strictObject(pageQuery);
export const accessLogPage = pageOf(
  strictObject({
    time,
    action: Type.String(),
    actor: strictObject({
      memberId: Type.String(),
      role: Type.String(),
      agencyId: Type.Optional(Type.String()),
      organisation: Type.String(),
      keyCustody: Type.String({ description: 'wallet: its organisation holds the key; own: the member alone does' }),
    }),
    recordIds: Type.Array(Type.String()),
    purpose: Type.Optional(Type.String()),
    outcome,
    basis: Type.Optional(
      strictObject({
        kind: Type.String(),
        version: Type.Optional(wholeNumber),
        grantId: Type.Optional(Type.String()),
        grantVersion: Type.Optional(wholeNumber),
        delegationId: Type.Optional(Type.String()),
        representationId: Type.Optional(Type.String()),
        emergencyId: Type.Optional(Type.String()),
        policyVersion: Type.Optional(wholeNumber),
      }),
    ),
    code: Type.Optional(Type.String()),
    requestId: Type.Optional(Type.String()),
    grantId: Type.Optional(Type.String()),
    delegationId: Type.Optional(Type.String()),
    groupId: Type.Optional(Type.String()),
    representationId: Type.Optional(
      Type.String({ description: 'appointed or ended; or by which the actor acted for the patient' }),
    ),
    emergencyId: Type.Optional(Type.String()),
    reason: Type.Optional(Type.String()),
    finding: Type.Optional(Type.String()),
    transactionId,
    blockNumber: wholeNumber,
    sequence: wholeNumber,
    hash: sha256Hex,
  }),
);

export const verification = strictObject({
  ok: Type.Boolean(),
  lanes: wholeNumber,
  entries: wholeNumber,
  firstBad: Type.Optional(strictObject({ lane: Type.String(), sequence: wholeNumber, reason: Type.String() })),
});

export const activityQuery = strictObject({ from: Type.Optional(time), to: Type.Optional(time) });
export const activity = strictObject({
  rows: Type.Array(
    strictObject({
      day: text('^\\d{4}-\\d{2}-\\d{2}$', 'a day in UTC'),
      class: Type.String({ description: '* stands for every class, - for none' }),
      records: wholeNumber,
      openings: wholeNumber,
      refusals: wholeNumber,
      grants: wholeNumber,
    }),
  ),
});
