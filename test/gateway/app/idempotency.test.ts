import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openIdempotencyStore } from '../../../gateway/plugins/idempotency-store.js';
import { MedledgerError } from '../../../gateway/medledger-error.js';
import { untilTrue } from '../../support/eventually.js';
import { startTestApp, type TestApp } from './test-app.js';

const DAY_MS = 24 * 3600 * 1000;
const GRANT = {
  grantee: { kind: 'person', id: 'doctor-a' },
  actions: ['read'],
  scope: {},
  purpose: 'TREAT',
  until: '2027-01-01T00:00:00Z',
};

let folder: string;
let idempotencyPath: string;
let nowMs: number;
let test: TestApp;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'idempotency-'));
  idempotencyPath = join(folder, 'store', 'idempotency.db');
  nowMs = Date.UTC(2026, 10, 20);
  test = await startTestApp({ stores: { idempotencyPath }, nowMs: () => nowMs });
});
afterEach(async () => {
  await test.app.close();
  rmSync(folder, { recursive: true });
});

async function giveGrant(key: string, change: object = {}, { app, patientId, headers }: TestApp = test) {
  const url = `/v1/patients/${patientId}/grants`;
  return app.inject({
    method: 'POST',
    url,
    headers: { ...headers, 'idempotency-key': key },
    payload: { ...GRANT, ...change },
  });
}

const grantsGiven = () => test.services.calls.filter((name) => name === 'giveGrant').length;

describe('Idempotency-Key', () => {
  it('gives the same answer to the same request and carries it out once', async () => {
    const first = await giveGrant('key-1');
    const second = await giveGrant('key-1');
    expect(second.statusCode).toBe(201);
    expect(second.json()).toEqual(first.json());
    expect(second.headers).toMatchObject({
      location: first.headers.location,
      'content-type': first.headers['content-type'],
      'idempotent-replayed': 'true',
    });
    expect(first.headers).not.toHaveProperty('idempotent-replayed');
    expect(grantsGiven()).toBe(1);
  });

  it('refuses the key for another request', async () => {
    await giveGrant('key-1');
    const reply = await giveGrant('key-1', { purpose: 'HPAYMT' });
    expect(reply.json()).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
    expect((await giveGrant('key-1')).statusCode).toBe(201);
  });

  it('counts the content type and the query as part of the request', async () => {
    const { app, patientId, headers } = test;
    const add = (contentType: string, query: string) =>
      app.inject({
        method: 'POST',
        url: `/v1/patients/${patientId}/records${query}`,
        headers: { ...headers, 'content-type': contentType, 'idempotency-key': 'file' },
        payload: 'x',
      });
    expect((await add('text/plain', '?label=N')).statusCode).toBe(201);
    expect((await add('text/plain', '?label=R')).statusCode).toBe(422);
    expect((await add('text/html', '?label=N')).statusCode).toBe(422);
    expect((await add('text/plain', '?label=N')).headers['idempotent-replayed']).toBe('true');
    expect(test.services.state.lastInput).toMatchObject({ idempotencyKey: 'file' });
  });

  it('keeps the keys of two members apart', async () => {
    const first = await giveGrant('key-1');
    const { accessToken } = await test.services.signIn({ memberId: 'doctor-a', password: 'doctor password' });
    const other = await giveGrant('key-1', {}, { ...test, headers: { authorization: `Bearer ${accessToken}` } });
    expect(other.statusCode).toBe(201);
    expect(other.json().grantId).not.toBe(first.json().grantId);
  });
});

describe('Idempotency-Key of a request that runs or failed', () => {
  it('answers 409 while the first request runs', async () => {
    let release = () => {};
    test.services.holdNext('giveGrant', new Promise<void>((resolve) => (release = resolve)));
    const first = giveGrant('key-1');
    while (grantsGiven() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const second = await giveGrant('key-1');
    expect(second.json()).toMatchObject({ status: 409, code: 'IDEMPOTENCY_IN_FLIGHT' });
    expect(second.headers['retry-after']).toBe('1');
    release();
    expect((await first).statusCode).toBe(201);
    expect((await giveGrant('key-1')).headers['idempotent-replayed']).toBe('true');
  });

  it('keeps the answer for a client that went away before it came', async () => {
    const { app, services, headers, patientId } = test;
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    let release = () => {};
    services.holdNext('giveGrant', new Promise<void>((resolve) => (release = resolve)));
    const leaving = new AbortController();
    const sent = fetch(`${address}/v1/patients/${patientId}/grants`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': 'key-1' },
      body: JSON.stringify(GRANT),
      signal: leaving.signal,
    });
    while (grantsGiven() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    leaving.abort();
    await expect(sent).rejects.toThrow('aborted');
    await new Promise((resolve) => setTimeout(resolve, 20));
    release();
    const repeated = await untilTrue(
      () => giveGrant('key-1'),
      ({ statusCode }) => statusCode !== 409,
    );
    expect([repeated.statusCode, repeated.headers['idempotent-replayed'], grantsGiven()]).toEqual([201, 'true', 1]);
    expect((await app.inject('/metrics')).body).toContain('http_requests_in_flight 1\n');
  });

  it('lets one of twenty requests at once through', async () => {
    let release = () => {};
    test.services.holdNext('giveGrant', new Promise<void>((resolve) => (release = resolve)));
    const sent = Array.from({ length: 20 }, () => giveGrant('key-1'));
    const refused = Promise.all(sent.slice(1));
    expect(new Set((await refused).map((reply) => reply.statusCode))).toEqual(new Set([409]));
    release();
    expect((await sent[0])?.statusCode).toBe(201);
    expect(grantsGiven()).toBe(1);
  });

  it.each([
    { code: 'OUTCOME_UNKNOWN', kept: false },
    { code: 'LEDGER_CONFLICT', kept: false },
    { code: 'TOO_MANY_ATTEMPTS', kept: false },
    { code: 'NO_GRANT', kept: true },
  ] as const)('after $code the answer is kept: $kept', async ({ code, kept }) => {
    test.services.failNext('giveGrant', new MedledgerError(code));
    const first = await giveGrant('key-1');
    const second = await giveGrant('key-1');
    expect(second.statusCode).toBe(kept ? first.statusCode : 201);
    expect(grantsGiven()).toBe(kept ? 1 : 2);
  });
});

describe('Idempotency-Key as time goes on', () => {
  it('remembers across a restart', async () => {
    const first = await giveGrant('key-1');
    await test.app.close();
    const again = await startTestApp({ stores: { idempotencyPath }, nowMs: () => nowMs, services: test.services });
    const second = await giveGrant('key-1', {}, { ...test, app: again.app });
    expect(second.json()).toEqual(first.json());
    expect(grantsGiven()).toBe(1);
    await again.app.close();
  });

  it('carries out again what a crash cut short, for the same request only', async () => {
    let stay = () => {};
    test.services.holdNext('giveGrant', new Promise<void>((resolve) => (stay = resolve)));
    const cut = giveGrant('key-1');
    while (grantsGiven() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    // A second process on the same file stands for the one that starts after the crash.
    const again = await startTestApp({ stores: { idempotencyPath }, nowMs: () => nowMs, services: test.services });
    const other = await giveGrant('key-1', { purpose: 'HPAYMT' }, { ...test, app: again.app });
    expect(other.statusCode).toBe(422);
    const retried = await giveGrant('key-1', {}, { ...test, app: again.app });
    expect(retried.statusCode).toBe(201);
    expect(grantsGiven()).toBe(2);
    stay();
    await cut;
    await again.app.close();
  });

  it.each([
    { afterMs: DAY_MS, given: 1 },
    { afterMs: DAY_MS + 1, given: 2 },
  ])('$afterMs ms later the request is carried out $given times in all', async ({ afterMs, given }) => {
    await giveGrant('key-1');
    nowMs += afterMs;
    expect((await giveGrant('key-1')).statusCode).toBe(201);
    expect(grantsGiven()).toBe(given);
  });

  it.each(['', 'a b', 'x'.repeat(256), 'ä'])('refuses the key %j', async (key) => {
    expect((await giveGrant(key)).json()).toMatchObject({ status: 400, pointer: '/idempotency-key', in: 'header' });
  });

  it.each([
    { method: 'PUT', use: 'alterGrant' },
    { method: 'DELETE', use: 'revokeGrant' },
  ] as const)('carries out a $method once under one key, and another one not', async ({ method, use }) => {
    const { app, headers, services } = test;
    const { grantId } = (await giveGrant('given')).json<{ grantId: string }>();
    const send = (payload: object) =>
      app.inject({
        method,
        url: `/v1/grants/${grantId}`,
        headers: { ...headers, 'idempotency-key': 'key-1' },
        ...(method === 'PUT' && { payload }),
      });
    const first = await send({ purpose: 'TREAT' });
    const second = await send({ purpose: 'TREAT' });
    expect([first.statusCode, second.statusCode, second.headers['idempotent-replayed']]).toEqual([200, 200, 'true']);
    expect(second.json()).toEqual(first.json());
    expect(services.calls.filter((name) => name === use)).toHaveLength(1);
    if (method === 'PUT') expect((await send({ purpose: 'HPAYMT' })).statusCode).toBe(422);
  });

  it('takes no notice of the key on other methods', async () => {
    const { app, headers } = test;
    const url = '/v1/access-requests';
    const reply = await app.inject({ url, headers: { ...headers, 'idempotency-key': 'a b' } });
    expect(reply.statusCode).toBe(200);
  });
});

describe('Idempotency-Key of a bundle', () => {
  it('gives the same job until it failed, and then begins it anew under the same key', async () => {
    const { app, patientId, headers, services } = test;
    const send = (entry: object[]) =>
      app.inject({
        method: 'POST',
        url: `/v1/patients/${patientId}/bundles`,
        headers: { ...headers, 'idempotency-key': 'bundle' },
        payload: { resourceType: 'Bundle', entry },
      });
    const first = await send([{}]);
    expect((await send([{}])).json()).toEqual(first.json());
    services.state.jobStatus = 'failed';
    const again = await send([{}]);
    expect(again.statusCode).toBe(202);
    expect(again.json().jobId).not.toBe(first.json().jobId);
    expect((await send([{}, {}])).statusCode).toBe(422);
    services.state.jobStatus = 'done';
    expect((await send([{}])).json()).toEqual(again.json());
    expect(services.calls.filter((name) => name === 'addBundle')).toHaveLength(2);
  });
});

describe('secrets', () => {
  const post = (url: string, payload: object) =>
    test.app.inject({ method: 'POST', url, headers: { 'idempotency-key': 'secret-key' }, payload });

  it('stores neither a password, nor a token, nor a quick hash of a body that holds one', async () => {
    const password = 'a long enough password';
    const signedUp = await post('/v1/patients', { password });
    expect((await post('/v1/patients', { password })).json()).toEqual(signedUp.json());
    expect((await post('/v1/patients', { password: 'another long password' })).statusCode).toBe(422);
    const signIn = { memberId: signedUp.json().patientId, password };
    const { accessToken } = (await post('/v1/sessions', signIn)).json();
    expect((await post('/v1/sessions', signIn)).json().accessToken).toBe(accessToken);
    const disk = readdirSync(join(folder, 'store')).map((name) => readFileSync(join(folder, 'store', name), 'latin1'));
    expect(disk.join('')).toContain(signedUp.json().patientId);
    for (const secret of [password, accessToken]) expect(disk.join('')).not.toContain(secret);
  });

  it('keeps its file from other users', async () => {
    const { statSync } = await import('node:fs');
    expect(statSync(idempotencyPath).mode & 0o077).toBe(0);
  });

  it('says what to do with a file that is no database', async () => {
    const { writeFileSync } = await import('node:fs');
    const path = join(folder, 'broken.db');
    writeFileSync(path, 'not a database, but long enough to be taken for one'.repeat(20));
    expect(() => openIdempotencyStore(path)).toThrow('restore it from a backup');
  });
});
