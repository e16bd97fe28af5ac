import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from './test-app.js';

async function withApp<T>(options: Parameters<typeof startTestApp>[0], use: (test: TestApp) => Promise<T>): Promise<T> {
  const test = await startTestApp(options);
  try {
    return await use(test);
  } finally {
    await test.app.close();
  }
}

describe('health', () => {
  it('says what is missing until it is ready', () =>
    withApp({}, async ({ app, services }) => {
      services.state.missing = ['ledger'];
      const early = await app.inject('/readyz');
      expect([early.statusCode, early.json()]).toEqual([503, { ready: false, missing: ['ledger'] }]);
      services.state.missing = [];
      expect((await app.inject('/readyz')).json()).toEqual({ ready: true, missing: [] });
      expect((await app.inject('/healthz')).json()).toEqual({ status: 'ok' });
    }));
});

describe('rate limits', () => {
  it('stops an address at its limit, but never health and metrics', () =>
    withApp({ limits: { requestsPerMinutePerAddress: 2 } }, async ({ app }) => {
      const statuses = [];
      for (let count = 0; count < 3; count += 1) statuses.push((await app.inject('/openapi.json')).statusCode);
      expect(statuses).toEqual([200, 200, 429]);
      const limited = await app.inject('/v1/members/me');
      expect(limited.json()).toMatchObject({ code: 'TOO_MANY_REQUESTS' });
      expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
      expect(limited.headers['ratelimit-remaining']).toBe('0');
      for (const path of ['/healthz', '/readyz', '/metrics']) expect((await app.inject(path)).statusCode).toBe(200);
    }));

  it('counts a member over all addresses', () =>
    withApp({ limits: { requestsPerMinutePerMember: 2 } }, async ({ app, headers }) => {
      const from = (remoteAddress: string) => app.inject({ url: '/v1/members/me', headers, remoteAddress });
      expect((await from('192.0.2.1')).statusCode).toBe(200);
      expect((await from('192.0.2.2')).statusCode).toBe(200);
      expect((await from('192.0.2.3')).statusCode).toBe(429);
    }));

  it.each([
    { url: '/v1/sessions', limits: { signInsPerMinutePerAddress: 1 }, useCase: 'signIn' },
    { url: '/v1/patients', limits: { signUpsPerMinutePerAddress: 1 }, useCase: 'signUpPatient' },
  ])('is stricter with $url', ({ url, limits, useCase }) =>
    withApp({ limits }, async ({ app, services }) => {
      const payload = url.endsWith('sessions') ? { memberId: 'a', password: 'b' } : { password: 'long enough a word' };
      await app.inject({ method: 'POST', url, payload });
      expect((await app.inject({ method: 'POST', url, payload })).statusCode).toBe(429);
      expect(services.calls.filter((name) => name === useCase)).toHaveLength(1);
    }),
  );
});

describe('pressure', () => {
  it('sends requests away while the event loop is late, and goes on being alive', () =>
    withApp({ limits: { eventLoopDelayMsMax: 1 } }, async ({ app, headers }) => {
      const untilMs = performance.now() + 60_000;
      let away = await app.inject({ url: '/v1/members/me', headers });
      while (away.statusCode === 200 && performance.now() < untilMs) {
        for (const end = performance.now() + 200; performance.now() < end; );
        await new Promise((resolve) => setTimeout(resolve, 1));
        away = await app.inject({ url: '/v1/members/me', headers });
      }
      expect(away.json()).toMatchObject({ status: 503, code: 'OVERLOADED' });
      expect(away.headers['retry-after']).toBe('10');
      expect((await app.inject('/healthz')).statusCode).toBe(200);
    }));
});

describe('log and metrics', () => {
  it('logs the route pattern and member, and nothing of URL, query or body', () =>
    withApp({}, async ({ app, patientId, headers, logged }) => {
      const reply = await app.inject({
        method: 'POST',
        url: `/v1/patients/${patientId}/records?class=Observation&purpose=TREAT`,
        headers: { ...headers, 'content-type': 'text/x-canary-type' },
        payload: 'canary diagnosis',
      });
      await app.inject('/v1/records/secret-id/content?purpose=ETREAT');
      const lines = logged.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
      expect(lines[0]).toMatchObject({
        requestId: reply.headers['x-request-id'],
        method: 'POST',
        route: '/v1/patients/:patientId/records',
        status: 201,
        memberId: patientId,
        ms: expect.any(Number),
      });
      expect(lines[1]).toMatchObject({ status: 401, code: 'NOT_SIGNED_IN' });
      for (const word of ['canary', 'Observation', 'TREAT', 'secret-id', 'Bearer'])
        expect(logged.join('')).not.toContain(word);
    }));

  it('counts by route pattern', () =>
    withApp({}, async ({ app, patientId, headers }) => {
      await app.inject({ url: `/v1/patients/${patientId}/records`, headers });
      await app.inject('/nowhere/canary');
      const text = (await app.inject('/metrics')).body;
      const labels = 'method="GET",route="/v1/patients/:patientId/records",status="200"';
      expect(text).toContain(`http_request_duration_seconds_count{${labels}} 1`);
      expect(text).toContain('route="unknown",status="404"');
      // The one in flight is the request for the metrics.
      expect(text).toContain('http_requests_in_flight 1');
      expect(text).not.toContain('canary');
      expect(text).not.toContain(patientId);
    }));
});

describe('documentation', () => {
  it('describes every route of the API in OpenAPI 3.1', () =>
    withApp({}, async ({ app }) => {
      const document = (await app.inject('/openapi.json')).json();
      expect(document.openapi).toBe('3.1.0');
      const described = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method} ${path}`),
      );
      expect(described.filter((route) => route.includes('/v1/'))).toHaveLength(45);
      expect(described).toContain('post /v1/patients/{patientId}/records');
      const post = document.paths['/v1/patients/{patientId}/records'].post;
      expect(post.requestBody.content).toHaveProperty('*/*');
      expect(post.responses.default.content).toHaveProperty(['application/problem+json']);
      expect(document.components.schemas.Problem.properties.code.enum).toContain('NO_GRANT');
      const list = document.paths['/v1/patients/{patientId}/records'].get.parameters;
      expect(list.find(({ name }: { name: string }) => name === 'limit').schema).toMatchObject({
        type: 'integer',
        maximum: 200,
      });
      expect(document.paths['/v1/sessions'].post.security).toEqual([]);
    }));

  it('is what docs/openapi.json says', () =>
    withApp({}, async ({ app }) => {
      const page = readFileSync('docs/openapi.json', 'utf8');
      // After a change of a schema: node dist/scripts/make-openapi.js
      expect(JSON.parse(page)).toEqual((await app.inject('/openapi.json')).json());
    }));

  it('shows it at /docs with a policy that runs our scripts only', () =>
    withApp({}, async ({ app }) => {
      const page = await app.inject('/docs/');
      expect(page.statusCode).toBe(200);
      expect(page.headers['content-security-policy']).toContain("default-src 'self'");
      expect(page.headers['content-security-policy']).not.toContain("script-src 'unsafe-inline'");
    }));
});

describe('the socket', () => {
  it('answers what is not HTTP with a problem', () =>
    withApp({}, async ({ app }) => {
      await app.listen({ port: 0, host: '127.0.0.1' });
      const { port } = app.server.address() as { port: number };
      const answer = await new Promise<string>((resolve, reject) => {
        let text = '';
        const socket = connect(port, '127.0.0.1', () => socket.write('NOT HTTP\r\n\r\n'));
        socket.on('data', (chunk) => (text += chunk));
        socket.on('end', () => resolve(text)).on('error', reject);
      });
      expect(answer).toContain('HTTP/1.1 400 Bad Request');
      expect(answer).toContain('application/problem+json');
    }));
});
