import type { RateLimits } from '../plugins/rate-limits.js';
import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { me, signedIn, signedOut, signedUp, signInBody, signUpBody } from '../schemas/members.js';

/** Signing up and in: the only routes that anyone may call. Argon2id makes both dear, so both are counted strictly. */
export function openMemberRoutes(
  app: GatewayApp,
  { services, rateLimits }: Pick<RouteContext, 'services'> & { rateLimits: RateLimits },
): void {
  app.post(
    '/v1/patients',
    {
      preValidation: rateLimits.signUps,
      config: { open: true, secretBody: true },
      schema: { tags: ['members'], summary: 'Sign up as a patient', body: signUpBody, response: { 201: signedUp } },
    },
    async (request, reply) => {
      const { password, profile, emergency = { allowed: true } } = request.body;
      const wanted = { password, emergency, ...(profile !== undefined && { profile }) };
      const { patientId } = await services.signUpPatient(wanted);
      return reply.code(201).header('location', `/v1/patients/${patientId}/records`).send({ patientId, emergency });
    },
  );

  app.post(
    '/v1/sessions',
    {
      preValidation: rateLimits.signIns,
      config: { open: true, secretAnswer: true },
      schema: { tags: ['members'], summary: 'Sign in', body: signInBody, response: { 201: signedIn } },
    },
    async (request, reply) => {
      const { accessToken, expiresInS } = await services.signIn(request.body);
      return reply.code(201).header('location', '/v1/sessions/current').send({ accessToken, expiresInS });
    },
  );
}

export function memberRoutes(app: GatewayApp, { services, organisation }: RouteContext): void {
  app.delete(
    '/v1/sessions/current',
    {
      schema: {
        tags: ['members'],
        summary: 'Sign out: the keys of the session are forgotten',
        response: { 204: signedOut },
      },
    },
    async (request, reply) => {
      await services.signOut(callerOf(request));
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/members/me',
    { schema: { tags: ['members'], summary: 'Who the access token belongs to', response: { 200: me } } },
    async (request) => {
      const { memberId, role, agencyId } = callerOf(request);
      return { memberId, role, organisation: organisation.mspId, ...(agencyId !== undefined && { agencyId }) };
    },
  );
}
