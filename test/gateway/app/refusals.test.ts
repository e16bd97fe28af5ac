import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainError, ERRORS } from '@medledger/chaincode/domain';
import { MedledgerError } from '../../../gateway/medledger-error.js';
import { startTestApp, type TestApp } from './test-app.js';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ limits: { jsonBytesMax: 4096, recordBytesMax: 1024, bundleBytesMax: 2048 } });
});
afterAll(() => test.app.close());

const GRANT = {
  grantee: { kind: 'person', id: 'doctor-a' },
  actions: ['read'],
  scope: {},
  purpose: 'TREAT',
  until: '2027-01-01T00:00:00Z',
};

async function postGrant(payload: object | string, contentType = 'application/json') {
  const { app, patientId, headers } = test;
  const url = `/v1/patients/${patientId}/grants`;
  return app.inject({ method: 'POST', url, headers: { ...headers, 'content-type': contentType }, payload });
}

const get = (url: string) => test.app.inject({ url, headers: test.headers });

describe('bodies', () => {
  it.each([
    { name: 'an unknown member', change: { note: 'x' }, pointer: '/note' },
    { name: 'an unknown member inside', change: { scope: { 'a/b': 1 } }, pointer: '/scope/a~1b' },
    { name: 'a missing member', change: { until: undefined }, pointer: '/until' },
    { name: 'a number as text', change: { uses: '5' }, pointer: '/uses' },
    { name: 'text as a list', change: { actions: 'read' }, pointer: '/actions' },
    { name: 'an empty list', change: { scope: { classes: [] } }, pointer: '/scope/classes' },
    { name: 'an item twice', change: { actions: ['read', 'read'] }, pointer: '/actions' },
    { name: 'a word of no list', change: { purpose: 'FUN' }, pointer: '/purpose' },
    { name: 'null', change: { from: null }, pointer: '/from' },
    { name: 'a time with an offset', change: { until: '2027-01-01T00:00:00+01:00' }, pointer: '/until' },
    { name: 'a day without a time', change: { until: '2027-01-01' }, pointer: '/until' },
    { name: 'a day that does not exist', change: { until: '2027-02-29T00:00:00Z' }, pointer: '/until' },
    { name: 'an hour that does not exist', change: { from: '2027-01-01T24:00:00Z' }, pointer: '/from' },
  ])('refuses $name with its pointer', async ({ change, pointer }) => {
    const reply = await postGrant({ ...GRANT, ...change });
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ code: 'INPUT_INVALID', pointer, in: 'body' });
    expect(test.services.calls).not.toContain('giveGrant');
  });

  it.each([{ change: { scope: { labels: ['N', 'V'] } }, pointer: '/scope/labels/1' }])(
    'refuses $pointer, which has no rule yet',
    async ({ change, pointer }) => {
      const reply = await postGrant({ ...GRANT, ...change });
      expect(reply.json()).toMatchObject({ status: 422, code: 'NOT_SUPPORTED', pointer });
      expect(test.services.calls).not.toContain('giveGrant');
    },
  );

  it.each([
    { name: 'no JSON', payload: '{"a":', status: 400, code: 'JSON_INVALID' },
    {
      name: 'a name twice',
      payload: '{"purpose":"TREAT","purpose":"HPAYMT"}',
      status: 400,
      code: 'JSON_DUPLICATE_NAME',
    },
    { name: 'deep JSON', payload: `{"scope":${'['.repeat(20)}${']'.repeat(20)}}`, status: 400, code: 'JSON_TOO_DEEP' },
    { name: 'nothing', payload: '', status: 400, code: 'INPUT_INVALID' },
    { name: 'too much', payload: JSON.stringify({ note: 'x'.repeat(5000) }), status: 413, code: 'BODY_TOO_LARGE' },
  ])('refuses $name', async ({ payload, status, code }) => {
    const reply = await postGrant(payload);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.json()).toMatchObject({ status, code });
  });

  it.each(['text/plain', 'application/fhir+json', 'application/x-www-form-urlencoded', 'nonsense'])(
    'takes no %s where JSON is due',
    async (contentType) => {
      const reply = await postGrant(JSON.stringify(GRANT), contentType);
      expect(reply.json()).toMatchObject({ status: 415, code: 'MEDIA_TYPE_UNSUPPORTED' });
    },
  );

  it.each(['classes', 'labels'])('refuses what is not supported in an approval too: %s', async (name) => {
    const url = `/v1/access-requests/q${'1'.repeat(32)}/approval`;
    const payload = name === 'labels' ? { scope: { labels: ['V'] } } : { scope: { classes: ['observation'] } };
    const reply = await test.app.inject({ method: 'POST', url, headers: test.headers, payload });
    expect(reply.json()).toMatchObject({ pointer: `/scope/${name}/0` });
  });

  it('takes no members in a refusal', async () => {
    const url = `/v1/access-requests/q${'1'.repeat(32)}/refusal`;
    const reply = await test.app.inject({ method: 'POST', url, headers: test.headers, payload: { why: 'no' } });
    expect(reply.json()).toMatchObject({ status: 400, pointer: '/why' });
  });

  it('repeats no value it refuses', async () => {
    const payload = { memberId: 'No Such Id', password: 'hunter2-secret' };
    const reply = await test.app.inject({ method: 'POST', url: '/v1/sessions', payload });
    expect(reply.json()).toMatchObject({ status: 400, pointer: '/memberId' });
    expect(reply.body).not.toContain('hunter2');
    expect(reply.body).not.toContain('No Such Id');
  });
});

describe('record files', () => {
  const url = () => `/v1/patients/${test.patientId}/records`;
  const post = (payload: string | Buffer, contentType: string, query = '') =>
    test.app.inject({
      method: 'POST',
      url: `${url()}${query}`,
      headers: { ...test.headers, 'content-type': contentType },
      payload,
    });

  it('takes 1024 bytes and refuses 1025', async () => {
    expect((await post(Buffer.alloc(1024, 1), 'image/png')).statusCode).toBe(201);
    expect((await post(Buffer.alloc(1025, 1), 'image/png')).json()).toMatchObject({
      status: 413,
      code: 'BODY_TOO_LARGE',
    });
  });

  it('refuses an empty body', async () => {
    expect((await post('', 'image/png')).json()).toMatchObject({ status: 400, code: 'INPUT_INVALID' });
    const bare = await test.app.inject({ method: 'POST', url: url(), headers: test.headers });
    expect(bare.json()).toMatchObject({ status: 400, code: 'INPUT_INVALID' });
  });

  it('refuses a content type that is none or too long', async () => {
    const long = `text/${'x'.repeat(250)}`;
    expect((await post('x', long.slice(0, 255))).statusCode).toBe(201);
    expect((await post('x', `${long}x`)).json()).toMatchObject({ status: 400, pointer: '/content-type', in: 'header' });
    expect((await post('x', 'text')).statusCode).toBe(415);
    expect((await post('x', 'text/plain; charset')).json()).toMatchObject({ pointer: '/content-type' });
  });

  it.each([
    { query: '?label=V', status: 422, pointer: '/label' },
    { query: '?label=X', status: 400, pointer: '/label' },
    { query: '?class=observation', status: 400, pointer: '/class' },
    { query: '?class=Observation&class=Patient', status: 400, pointer: '/class' },
    { query: '?date=2026-13-01T00:00:00Z', status: 400, pointer: '/date' },
    { query: '?colour=red', status: 400, pointer: '/colour' },
  ])('refuses $query', async ({ query, status, pointer }) => {
    expect((await post('x', 'text/plain', query)).json()).toMatchObject({ status, pointer, in: 'query' });
  });
});

describe('queries and paths', () => {
  it.each(['0', '201', '5.0', '1e2', ' 5', '', '-1', '05'])('takes no limit of %j', async (limit) => {
    const reply = await get(`/v1/access-requests?limit=${encodeURIComponent(limit)}`);
    expect(reply.json()).toMatchObject({ status: 400, pointer: '/limit', in: 'query' });
  });

  it.each([1, 200])('takes a limit of %d', async (limit) => {
    expect((await get(`/v1/access-requests?limit=${limit}`)).statusCode).toBe(200);
  });

  it('refuses an id of another form', async () => {
    expect((await get('/v1/patients/P_1/records')).json()).toMatchObject({ pointer: '/patientId', in: 'path' });
    expect((await get(`/v1/records/${'AB'.repeat(17)}/content`)).json()).toMatchObject({ pointer: '/recordId' });
  });

  it('answers unknown routes and bad URLs with a problem', async () => {
    const unknown = await get('/v2/patients?secret=1');
    expect(unknown.json()).toMatchObject({ status: 404, code: 'ROUTE_UNKNOWN', instance: '/v2/patients' });
    const bad = await get('/v1/patients/%zz/records');
    expect(bad.json()).toMatchObject({ status: 400, code: 'INPUT_INVALID' });
    const long = await get(`/v1/patients/${'a'.repeat(101)}/records`);
    expect(long.json()).toMatchObject({ status: 400, code: 'INPUT_INVALID' });
  });
});

describe('failures', () => {
  const failing = async (error: Error) => {
    test.services.failNext('listAccessRequests', error);
    return get('/v1/access-requests');
  };

  it('tells code, extra members and Retry-After of a use case', async () => {
    const error = new MedledgerError('CUSTODIANS_UNAVAILABLE', 'One of three answered.', {
      extra: { custodians: [{ mspId: 'HospitalBMSP', reason: 'no answer' }], status: 200, code: 'X' },
      retryAfterS: 7,
    });
    const reply = await failing(error);
    expect(reply.headers['retry-after']).toBe('7');
    expect(reply.json()).toMatchObject({
      status: 503,
      code: 'CUSTODIANS_UNAVAILABLE',
      title: ERRORS.CUSTODIANS_UNAVAILABLE.text,
      detail: 'One of three answered.',
      custodians: [{ mspId: 'HospitalBMSP', reason: 'no answer' }],
    });
  });

  it('tells the pointer of a domain error, without the code in front', async () => {
    const reply = await failing(new DomainError('INPUT_INVALID', '/untilMs must be after fromMs'));
    expect(reply.json()).toMatchObject({ status: 400, detail: '/untilMs must be after fromMs', pointer: '/untilMs' });
  });

  it('tells an adapter error by its code, and its text only where the caller is at fault', async () => {
    const attempts = Object.assign(new Error('TOO_MANY_ATTEMPTS: wait'), {
      code: 'TOO_MANY_ATTEMPTS',
      retryAfterMs: 1500,
    });
    const reply = await failing(attempts);
    expect(reply.json()).toMatchObject({ status: 429, detail: 'wait' });
    expect(reply.headers['retry-after']).toBe('2');
    const corrupt = Object.assign(new Error('STORE_CORRUPT: /srv/wallet.db'), { code: 'STORE_CORRUPT' });
    expect((await failing(corrupt)).body).not.toContain('/srv');
  });

  it('tells nothing of an unexpected failure, and logs it with its cause', async () => {
    const reply = await failing(new Error('secret state', { cause: new Error('deeper reason') }));
    expect(reply.json()).toMatchObject({ status: 500, code: 'INTERNAL', detail: ERRORS.INTERNAL.text });
    expect(reply.body).not.toContain('secret state');
    const line = test.logged.find((text) => text.includes('deeper reason')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({ requestId: reply.json().requestId, code: 'INTERNAL' });
  });
});
