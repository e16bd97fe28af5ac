import { type Static, Type } from '@fastify/type-provider-typebox';
import type { ConsentChangeInput } from '../services/consent-services.js';
import { MedledgerError } from '../medledger-error.js';
import { parseGrant, parseGrantChanges } from './consent-input.js';
import { grantBody, grantChanges } from './consents.js';
import { parsePolicy, policyBody } from './policies.js';
import { careGroupBody } from './trusted-people.js';
import { grantId, groupId, memberId, oneOf, recordId, strictObject, text, time, wholeNumber } from './vocabulary.js';

const basis = strictObject({
  kind: Type.String(),
  version: Type.Optional(wholeNumber),
  grantId: Type.Optional(Type.String()),
  grantVersion: Type.Optional(wholeNumber),
  delegationId: Type.Optional(Type.String()),
  representationId: Type.Optional(Type.String()),
  emergencyId: Type.Optional(Type.String()),
  policyVersion: Type.Optional(wholeNumber),
});

/** Per person and record: the ways that lead in, or the code of the nearest miss. */
export const explanation = strictObject({
  items: Type.Array(
    strictObject({
      memberId,
      role: Type.String(),
      agencyId: Type.Optional(Type.String()),
      recordId,
      ways: Type.Array(strictObject({ basis, purposes: Type.Array(Type.String()), until: Type.Optional(time) })),
      code: Type.Optional(Type.String()),
      inEmergency: Type.Boolean({ description: 'whether a declared emergency would open it' }),
    }),
  ),
});
export const explainMemberQuery = strictObject({ memberId: Type.Optional(memberId) });

const KINDS = ['grant', 'alter', 'policy', 'group', 'revoke'] as const;
/** Which other members belong to a kind is said by `parseChange`: a union's error would name every branch. */
export const previewBody = strictObject({
  kind: oneOf(KINDS, `one of ${KINDS.join(', ')}`),
  grant: Type.Optional(grantBody),
  grantId: Type.Optional(grantId),
  changes: Type.Optional(grantChanges),
  policy: Type.Optional(policyBody),
  groupId: Type.Optional(groupId),
  members: Type.Optional(careGroupBody.properties.members),
  id: Type.Optional(text('^[gdr][0-9a-f]{32}$', 'the id of a grant, a delegation or a representation')),
});
const differences = Type.Array(
  strictObject({
    memberId,
    action: oneOf(['read', 'add'], 'read or add'),
    purpose: Type.String(),
    recordIds: Type.Array(recordId),
  }),
);
export const preview = strictObject({ gains: differences, losses: differences });

/** @throws MedledgerError INPUT_INVALID with a pointer into the body */
export function parseChange(body: Static<typeof previewBody>): ConsentChangeInput {
  const { kind } = body;
  switch (kind) {
    case 'grant':
      return { kind, grant: parseGrant(required(body.grant, '/grant')) };
    case 'alter':
      return {
        kind,
        grantId: required(body.grantId, '/grantId'),
        changes: parseGrantChanges(required(body.changes, '/changes')),
      };
    case 'policy':
      return { kind, policy: parsePolicy(required(body.policy, '/policy')) };
    case 'group':
      return {
        kind,
        members: required(body.members, '/members'),
        ...(body.groupId !== undefined && { groupId: body.groupId }),
      };
    case 'revoke':
      return { kind, id: required(body.id, '/id') };
  }
}

function required<T>(value: T | undefined, pointer: string): T {
  if (value !== undefined) return value;
  throw new MedledgerError('INPUT_INVALID', `${pointer} is missing for this kind of change`, {
    extra: { pointer, in: 'body' },
  });
}
