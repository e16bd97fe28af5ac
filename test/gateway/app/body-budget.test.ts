import { once } from 'node:events';
import { type ClientRequest, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { untilTrue } from '../../support/eventually.js';
import { startTestApp, type TestApp } from './test-app.js';

const BODY_BYTES_MAX = 1000;
const BUDGET_BYTES = 4000;

let test: TestApp;
let open: ClientRequest[];
beforeEach(async () => {
  test = await startTestApp({ limits: { recordBytesMax: BODY_BYTES_MAX, bodyBytesInFlightMax: BUDGET_BYTES } });
  await test.app.listen({ host: '127.0.0.1', port: 0 });
  open = [];
});
afterEach(async () => {
  for (const one of open) one.destroy();
  await test.app.close();
});

async function signedUp(): Promise<{ patientId: string; authorization: string }> {
  const password = 'correct horse battery';
  const { patientId } = await test.services.signUpPatient({ password });
  const { accessToken } = await test.services.signIn({ memberId: patientId, password });
  return { patientId, authorization: `Bearer ${accessToken}` };
}

/** A body that never comes to its end. */
async function sendSlowly(who: { patientId: string; authorization: string }): Promise<void> {
  const { port } = test.app.server.address() as AddressInfo;
  const headers = { authorization: who.authorization, 'content-type': 'text/plain', 'content-length': BODY_BYTES_MAX };
  const path = `/v1/patients/${who.patientId}/records`;
  const sending = request({ host: '127.0.0.1', port, path, method: 'POST', headers });
  sending.on('error', () => undefined);
  open.push(sending);
  sending.write('x');
  await once(sending, 'socket');
}

const add = (who: { patientId: string; authorization: string }, bytes: number) =>
  test.app.inject({
    method: 'POST',
    url: `/v1/patients/${who.patientId}/records`,
    headers: { authorization: who.authorization, 'content-type': 'text/plain' },
    payload: Buffer.alloc(bytes, 1),
  });

/** The answer from when what was sent, or ended, before has reached the server. */
const addUntil = (status: number, who: { patientId: string; authorization: string }) =>
  untilTrue(
    () => add(who, 10),
    ({ statusCode }) => statusCode === status,
  );

it('sends a body away while as many bytes are held, by one member or by all, and takes it again afterwards', async () => {
  const [first, second, third] = [await signedUp(), await signedUp(), await signedUp()];
  await sendSlowly(first);
  await sendSlowly(first);
  const refused = await addUntil(503, first);
  expect([refused.statusCode, refused.json().code, refused.headers['retry-after']]).toEqual([503, 'OVERLOADED', '2']);
  expect((await add(second, 10)).statusCode).toBe(201);
  await sendSlowly(second);
  await sendSlowly(second);
  expect((await addUntil(503, third)).statusCode).toBe(503);
  for (const one of open) one.destroy();
  expect((await addUntil(201, first)).statusCode).toBe(201);
});
