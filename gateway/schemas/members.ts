import { Type } from '@fastify/type-provider-typebox';
import { memberId, patientId, strictObject } from './vocabulary.js';

/** Long enough for any pass phrase, short enough that hashing it costs nothing. */
const password = Type.String({ minLength: 1, maxLength: 1024, description: 'a password of at most 1024 characters' });

export const signUpBody = strictObject({
  password,
  profile: Type.Optional(
    Type.Record(
      Type.String({ pattern: '^[A-Za-z][A-Za-z0-9]{0,63}$' }),
      Type.String({ maxLength: 1000, description: 'a text of at most 1000 characters' }),
      { maxProperties: 20, additionalProperties: false, description: 'at most 20 named texts' },
    ),
  ),
  emergency: Type.Optional(strictObject({ allowed: Type.Boolean({ description: 'true or false' }) })),
});
/** Told at once, because it holds at once: the policy that the registration stored. */
export const signedUp = strictObject({
  patientId,
  emergency: strictObject({
    allowed: Type.Boolean({ description: 'whether what is labelled N may be read in an emergency' }),
  }),
});

export const signInBody = strictObject({ memberId, password });
export const signedIn = strictObject({ accessToken: Type.String(), expiresInS: Type.Integer() });

export const signedOut = Type.Null({ description: 'Signed out' });

export const me = strictObject({
  memberId,
  role: Type.String(),
  agencyId: Type.Optional(Type.String()),
  organisation: Type.String({ description: 'MSP id of the organisation whose gateway this is' }),
});
