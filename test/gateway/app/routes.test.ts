import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from './test-app.js';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp();
});
afterAll(() => test.app.close());

const RECORD_ID = `${'ab'.repeat(16)}00`;
const GRANT = {
  grantee: { kind: 'person', id: 'doctor-a' },
  actions: ['read'],
  scope: { classes: ['Observation'], labels: ['N', 'R'] },
  purpose: 'TREAT',
  until: '2027-01-01T00:00:00Z',
};

async function addRecord(content: Buffer | string, contentType: string, query = '') {
  const { app, patientId, headers } = test;
  return app.inject({
    method: 'POST',
    url: `/v1/patients/${patientId}/records${query}`,
    headers: { ...headers, 'content-type': contentType },
    payload: content,
  });
}

describe('members', () => {
  it('signs a patient up, in and out again', async () => {
    const { app } = test;
    const password = 'a long enough password';
    const signedUp = await app.inject({ method: 'POST', url: '/v1/patients', payload: { password } });
    expect(signedUp.statusCode).toBe(201);
    const { patientId } = signedUp.json();
    expect(signedUp.headers.location).toBe(`/v1/patients/${patientId}/records`);
    const signedIn = await app.inject({
      method: 'POST',
      url: '/v1/sessions',
      payload: { memberId: patientId, password },
    });
    expect(signedIn.statusCode).toBe(201);
    expect(signedIn.json().expiresInS).toBe(3600);
    const headers = { authorization: `Bearer ${signedIn.json().accessToken}` };
    const me = await app.inject({ url: '/v1/members/me', headers });
    expect(me.json()).toEqual({ memberId: patientId, role: 'patient', organisation: 'HospitalAMSP' });
    const out = await app.inject({ method: 'DELETE', url: '/v1/sessions/current', headers });
    expect([out.statusCode, out.body]).toEqual([204, '']);
    const after = await app.inject({ url: '/v1/members/me', headers });
    expect(after.json()).toMatchObject({ status: 401, code: 'SESSION_ENDED' });
    expect(after.headers['www-authenticate']).toBe('Bearer realm="medledger", error="invalid_token"');
  });

  it.each(['Basic abc', 'Bearer', 'Bearer a b', 'bearer', ''])(
    'does not take %j for a token',
    async (authorization) => {
      const reply = await test.app.inject({ url: '/v1/members/me', headers: { authorization } });
      expect(reply.json()).toMatchObject({ status: 401, code: 'NOT_SIGNED_IN' });
      expect(reply.headers['www-authenticate']).toBe('Bearer realm="medledger"');
    },
  );
});

describe('records', () => {
  it.each(['application/octet-stream', 'text/html', 'application/json', 'application/dicom; x="a;b"'])(
    'answers content of type %s byte by byte, as a file that a browser saves',
    async (contentType) => {
      const content = Buffer.from([0x7b, 0x00, 0xff, 0x22, 0x0a]);
      const added = await addRecord(content, contentType, '?class=Observation&label=R&date=2024-02-29T10:00:00Z');
      expect(added.statusCode).toBe(201);
      const { recordId } = added.json();
      expect(added.headers.location).toBe(`/v1/records/${recordId}/content`);
      const opened = await test.app.inject({
        url: `/v1/records/${recordId}/content?purpose=PATRQT`,
        headers: test.headers,
      });
      expect(opened.statusCode).toBe(200);
      expect(opened.rawPayload).toEqual(content);
      const digest = createHash('sha256').update(content).digest('base64');
      expect(opened.headers).toMatchObject({
        'content-type': contentType,
        'content-digest': `sha-256=:${digest}:`,
        'content-disposition': `attachment; filename="${recordId}"`,
        'content-security-policy': "sandbox; default-src 'none'",
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'x-transaction-id': expect.stringMatching(/^[0-9a-f]{64}$/),
      });
    },
  );

  it('tells the transaction of a committed refusal', async () => {
    const { recordId } = (await addRecord('x', 'text/plain')).json();
    const doctor = await test.services.signIn({ memberId: 'doctor-a', password: 'doctor password' });
    const refused = await test.app.inject({
      url: `/v1/records/${recordId}/content?purpose=TREAT`,
      headers: { authorization: `Bearer ${doctor.accessToken}` },
    });
    expect(refused.statusCode).toBe(403);
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(refused.json()).toMatchObject({
      type: '/docs/errors#NO_GRANT',
      code: 'NO_GRANT',
      instance: `/v1/records/${recordId}/content`,
      transactionId: refused.headers['x-transaction-id'],
      requestId: refused.headers['x-request-id'],
    });
    expect(refused.json().transactionId).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('lists, heads and bundles', () => {
  it('pages through records with a Link to the next page', async () => {
    for (let count = 0; count < 3; count += 1) await addRecord(`record ${count}`, 'text/plain');
    const url = `/v1/patients/${test.patientId}/records?from=2020-01-01T00:00:00Z&limit=1`;
    const first = await test.app.inject({ url, headers: test.headers });
    expect(test.services.state.lastInput).toMatchObject({ fromMs: Date.UTC(2020, 0, 1), limit: 1 });
    const { items, next } = first.json();
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ authorId: test.patientId, addedAt: '2026-11-20T00:00:00.000Z', label: 'R' });
    const link = /^<(.*)>; rel="next"$/.exec(String(first.headers.link))?.[1] ?? '';
    expect(new URL(link, 'http://gateway').searchParams.get('cursor')).toBe(next);
    const second = await test.app.inject({ url: link, headers: test.headers });
    expect(second.json().items[0].recordId).not.toBe(items[0].recordId);
  });

  it('has 50 items on a page unless told otherwise', async () => {
    await test.app.inject({ url: `/v1/patients/${test.patientId}/records`, headers: test.headers });
    expect(test.services.state.lastInput).toEqual({ patientId: test.patientId, limit: 50 });
  });

  it('never opens a record for HEAD', async () => {
    const before = test.services.calls.length;
    const reply = await test.app.inject({
      method: 'HEAD',
      url: `/v1/records/${RECORD_ID}/content`,
      headers: test.headers,
    });
    expect(reply.statusCode).toBe(404);
    expect(test.services.calls.slice(before)).not.toContain('openRecord');
  });

  it('takes a bundle as FHIR JSON with every digit of its decimals', async () => {
    const { app, patientId, headers, services } = test;
    const text =
      '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Observation","valueQuantity":{"value":1.50}}}]}';
    const reply = await app.inject({
      method: 'POST',
      url: `/v1/patients/${patientId}/bundles`,
      headers: { ...headers, 'content-type': 'application/fhir+json' },
      payload: text,
    });
    expect(reply.statusCode).toBe(202);
    expect(JSON.stringify(services.state.lastBundle)).toBe(text);
    const job = await app.inject({ url: String(reply.headers.location), headers });
    expect(job.json()).toEqual({ jobId: reply.json().jobId, status: 'running', done: 1, total: 3 });
  });
});

describe('consents', () => {
  it('gives, lists and revokes a grant', async () => {
    const { app, patientId, headers, services } = test;
    const url = `/v1/patients/${patientId}/grants`;
    const given = await app.inject({ method: 'POST', url, headers, payload: GRANT });
    expect(given.statusCode).toBe(201);
    expect(services.state.lastGrant).toMatchObject({ untilMs: Date.UTC(2027, 0, 1), purpose: 'TREAT' });
    expect(services.state.lastGrant).not.toHaveProperty('fromMs');
    const listed = await app.inject({ url, headers });
    expect(listed.json().items).toEqual([
      {
        ...GRANT,
        ...given.json(),
        from: '1970-01-01T00:00:00.000Z',
        until: '2027-01-01T00:00:00.000Z',
        version: 1,
        status: 'live',
      },
    ]);
    const revoked = await app.inject({ method: 'DELETE', url: `/v1/grants/${given.json().grantId}`, headers });
    expect(revoked.statusCode).toBe(200);
    expect(revoked.json().transactionId).toMatch(/^[0-9a-f]{64}$/);
  });

  it('carries a request from asking to its answer', async () => {
    const { app, patientId, headers, services } = test;
    const { grantee: _grantee, ...asked } = GRANT;
    const payload = { ...asked, patientId, reason: 'second opinion' };
    const request = await app.inject({ method: 'POST', url: '/v1/access-requests', headers, payload });
    expect(request.statusCode).toBe(201);
    expect(request.json()).toMatchObject({ status: 'pending' });
    const path = `/v1/access-requests/${request.json().requestId}`;
    expect(request.headers.location).toBe(path);
    const list = await app.inject({ url: '/v1/access-requests', headers });
    expect(list.json().items[0]).toMatchObject({ until: '2027-01-01T00:00:00.000Z', reason: 'second opinion' });
    expect(list.json().items[0]).not.toHaveProperty('reasonCid');
    const narrowed = { until: '2026-12-01T00:00:00Z', scope: { classes: ['Observation'] } };
    const approved = await app.inject({ method: 'POST', url: `${path}/approval`, headers, payload: narrowed });
    expect(approved.statusCode).toBe(201);
    expect(services.state.lastInput).toMatchObject({ untilMs: Date.UTC(2026, 11, 1), scope: narrowed.scope });
    const refused = await app.inject({ method: 'POST', url: `${path}/refusal`, headers });
    expect(refused.statusCode).toBe(200);
  });
});

describe('audit and explorer', () => {
  it('shows the access log with times as text', async () => {
    const reply = await test.app.inject({
      url: `/v1/patients/${test.patientId}/access-log?limit=1`,
      headers: test.headers,
    });
    expect(reply.json()).toMatchObject({
      items: [{ time: '2026-11-20T00:00:00.000Z', outcome: 'deny', code: 'NO_GRANT', actor: { agencyId: 'ward-1' } }],
      next: 'older',
    });
  });

  it('shows where a walk broke', async () => {
    const reply = await test.app.inject({ url: `/v1/patients/${test.patientId}/verification`, headers: test.headers });
    expect(reply.json()).toEqual({
      ok: false,
      lanes: 2,
      entries: 9,
      firstBad: { lane: 'a b', sequence: 1, reason: 'link' },
    });
  });

  it('counts the last thirty days unless told otherwise', async () => {
    const nowMs = Date.UTC(2026, 10, 20);
    const timed = await startTestApp({ nowMs: () => nowMs });
    await timed.app.inject({ url: '/v1/statistics/activity', headers: timed.headers });
    expect(timed.services.state.lastInput).toEqual({ fromMs: nowMs - 30 * 24 * 3600 * 1000, toMs: nowMs });
    const backwards = '/v1/statistics/activity?from=2026-11-20T00:00:00Z&to=2026-11-20T00:00:00Z';
    const refused = await timed.app.inject({ url: backwards, headers: timed.headers });
    expect(refused.json()).toMatchObject({ status: 400, pointer: '/from', in: 'query' });
    await timed.app.close();
  });

  it('shows blocks and transactions to members with a peer', async () => {
    const { app, headers } = test;
    const page = await app.inject({ url: '/v1/explorer/blocks', headers });
    expect(page.json().items[0]).toMatchObject({ number: 7, transactions: [{ validationCode: 'VALID' }] });
    expect((await app.inject({ url: '/v1/explorer/blocks/7', headers })).json().time).toBe('2026-11-20T00:00:00.000Z');
    expect((await app.inject({ url: '/v1/explorer/blocks/8', headers })).json().code).toBe('BLOCK_UNKNOWN');
    expect((await app.inject({ url: '/v1/explorer/blocks/-1', headers })).json()).toMatchObject({
      pointer: '/number',
      in: 'path',
    });
    const one = await app.inject({ url: `/v1/explorer/transactions/${'12'.repeat(32)}`, headers });
    expect(one.json().creator).toEqual({ organisation: 'HospitalAMSP', memberId: 'p-1' });
  });

  it('gives a receipt byte for byte, to be kept and not cached', async () => {
    const { app, headers } = test;
    const reply = await app.inject({ url: `/v1/transactions/${'12'.repeat(32)}/receipt`, headers });
    expect([reply.statusCode, reply.body]).toEqual([200, '{"format":"medledger-receipt/v1"}']);
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json',
      'content-disposition': `attachment; filename="receipt-${'12'.repeat(32)}.json"`,
      'cache-control': 'no-store',
    });
    expect((await app.inject({ url: '/v1/transactions/12/receipt', headers })).json().code).toBe('INPUT_INVALID');
    expect((await app.inject({ url: `/v1/transactions/${'12'.repeat(32)}/receipt` })).statusCode).toBe(401);
  });

  it('shows nothing of the chain to an organisation without a peer', async () => {
    const insurer = await startTestApp({ organisation: { mspId: 'InsurerMSP', name: 'Insurer', hasPeer: false } });
    for (const path of ['blocks', 'blocks/7', `transactions/${'12'.repeat(32)}`]) {
      const reply = await insurer.app.inject({ url: `/v1/explorer/${path}`, headers: insurer.headers });
      expect(reply.json()).toMatchObject({ status: 403, code: 'NO_PEER' });
    }
    expect(insurer.services.calls).not.toContain('blocks');
    await insurer.app.close();
  });
});
