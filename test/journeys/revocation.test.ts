import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sendFile } from '../support/care.js';
import { untilTrue } from '../support/eventually.js';
import { type Member, problemOf, signUp } from '../support/member.js';
import { runVerb, verbJson } from '../support/network-verb.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

let network: RunningNetwork;
let revoked: Member;
let other: Member;

const onNetwork = (...args: string[]) => [...args, '--data', network.dataDir];
const add = (member: Member) => sendFile(member, member.memberId, { bytes: randomBytes(100) });

beforeAll(async () => {
  network = await runNetwork();
  [revoked, other] = await Promise.all([
    signUp(network.gatewayUrl('HospitalAMSP')),
    signUp(network.gatewayUrl('HospitalAMSP')),
  ]);
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

describe('a member whose certificate is taken back while the network runs', () => {
  it('is served before', async () => {
    expect((await add(revoked)).status).toBe(201);
  });

  it('is refused soon', async () => {
    const sinceMs = Date.now();
    const result = await verbJson<{ mspId: string; fresh: number }>(
      ...onNetwork('revoke', '--member', revoked.memberId),
    );
    expect(result).toMatchObject({ mspId: 'HospitalAMSP', fresh: 1 });
    const reply = await untilTrue(
      () => add(revoked),
      ({ status }) => status !== 201,
    );
    expect(problemOf(reply).code).toBe('CALLER_UNKNOWN');
    process.stdout.write(`revoked: refused ${Date.now() - sinceMs} ms after the verb was called\n`);
  });

  it('stays refused, and everybody else is served', async () => {
    expect((await add(revoked)).status).not.toBe(201);
    expect((await add(other)).status).toBe(201);
  });

  it('may be taken back again: nothing changes', async () => {
    const again = await verbJson<{ fresh: number }>(...onNetwork('revoke', '--member', revoked.memberId));
    expect(again.fresh).toBe(0);
  });
});

describe('what cannot be taken back', () => {
  it.each([
    { name: 'nobody named', args: [] },
    { name: 'a member that no authority knows', args: ['--member', 'nobody'] },
    { name: 'both a member and a certificate', args: ['--member', 'doctor-a', '--cert', 'file'] },
  ])('$name', async ({ args }) => {
    const { status, stderr } = await runVerb(...onNetwork('revoke', ...args));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^CERTIFICATE_UNKNOWN: /m)]);
  });

  it('a file without a certificate', async () => {
    const file = join(network.dataDir, 'no-certificate.pem');
    writeFileSync(file, 'nothing');
    const { status, stderr } = await runVerb(...onNetwork('revoke', '--cert', file));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^CERTIFICATE_UNKNOWN: .*holds no certificate/m)]);
  });
});
