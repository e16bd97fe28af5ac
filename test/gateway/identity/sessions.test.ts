import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, SignJWT, UnsecuredJWT } from 'jose';
import { generateMemberKeys, type UnlockedIdentity, unlockedIdentity } from '../../../gateway/identity/member-keys.js';
import { openSessions, type Sessions } from '../../../gateway/identity/sessions.js';
import { temporaryFolder, testClock } from './identity-support.js';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2031, 0, 1) + 345;
const folder = temporaryFolder();
const keys = generateMemberKeys();
let clock = testClock(NOW_MS);
let sessions: Sessions;
let round = 0;

beforeEach(async () => {
  round += 1;
  clock = testClock(NOW_MS);
  sessions = await open('HospitalAMSP');
});
afterEach(() => sessions.close());

describe('a session', () => {
  it('answers with the identity that opened it', async () => {
    const hale = member('dr-hale');
    const { accessToken, sessionId, expiresInS } = await sessions.open(hale);
    const live = await sessions.authenticate(accessToken);
    expect(live.identity).toBe(hale);
    expect(live.sessionId).toBe(sessionId);
    expect(expiresInS).toBe(8 * 3600 - 1);
    expect(decodeJwt(accessToken)).toMatchObject({
      sub: 'dr-hale',
      jti: sessionId,
      role: 'doctor',
      iss: 'HospitalAMSP',
    });
    expect(decodeProtectedHeader(accessToken)).toEqual({ alg: 'HS256', typ: 'JWT' });
  });

  it('ends after eight hours, on the second', async () => {
    const { accessToken } = await sessions.open(member('dr-hale'));
    clock.pass(8 * HOUR_MS - 346);
    expect((await sessions.authenticate(accessToken)).identity.memberId).toBe('dr-hale');
    clock.pass(1);
    await expect(sessions.authenticate(accessToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
  });

  it('ends when the member signs out, and the others of the member live on', async () => {
    const [first, second] = [await sessions.open(member('dr-hale')), await sessions.open(member('dr-hale'))];
    const { sessionId } = first;
    expect(sessions.end({ memberId: 'dr-hale', sessionId, reason: 'signed-out' })).toBe(true);
    await expect(sessions.authenticate(first.accessToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    expect((await sessions.authenticate(second.accessToken)).sessionId).toBe(second.sessionId);
    expect(sessions.end({ memberId: 'dr-hale', sessionId, reason: 'signed-out' })).toBe(false);
  });

  it('cannot be ended by another member', async () => {
    const { accessToken, sessionId } = await sessions.open(member('dr-hale'));
    expect(sessions.end({ memberId: 'dr-who', sessionId, reason: 'revoked' })).toBe(false);
    expect((await sessions.authenticate(accessToken)).identity.memberId).toBe('dr-hale');
  });

  it('is gone after a restart, and listed as such', async () => {
    const { accessToken, sessionId } = await sessions.open(member('dr-hale'));
    sessions.close();
    clock.pass(HOUR_MS);
    sessions = await open('HospitalAMSP');
    await expect(sessions.authenticate(accessToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    expect(sessions.list('dr-hale')).toEqual([
      {
        sessionId,
        openedAtMs: NOW_MS,
        expiresAtMs: NOW_MS - 345 + 8 * HOUR_MS,
        ended: { atMs: NOW_MS + HOUR_MS, reason: 'gateway-stopped' },
      },
    ]);
  });
});

describe('the sessions of a member', () => {
  it('are listed newest first, live and ended, and nobody else\u2019s', async () => {
    const first = await sessions.open(member('dr-hale'));
    clock.pass(1000);
    const second = await sessions.open(member('dr-hale'));
    await sessions.open(member('dr-who'));
    sessions.end({ memberId: 'dr-hale', sessionId: first.sessionId, reason: 'revoked' });
    const listed = sessions.list('dr-hale').map(({ sessionId, ended }) => [sessionId, ended?.reason]);
    expect(listed).toEqual([
      [second.sessionId, undefined],
      [first.sessionId, 'revoked'],
    ]);
  });

  it('are twenty at most: the oldest makes room', async () => {
    const opened = [];
    for (let count = 0; count < 21; count += 1) opened.push(await sessions.open(member('dr-hale')));
    await expect(sessions.authenticate(opened[0]?.accessToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    expect((await sessions.authenticate(opened[1]?.accessToken)).sessionId).toBe(opened[1]?.sessionId);
  });

  it('end all together', async () => {
    const tokens = [await sessions.open(member('dr-hale')), await sessions.open(member('dr-hale'))];
    const other = await sessions.open(member('dr-who'));
    expect(sessions.endAll('dr-hale')).toBe(2);
    for (const { accessToken } of tokens) {
      await expect(sessions.authenticate(accessToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    }
    expect((await sessions.authenticate(other.accessToken)).identity.memberId).toBe('dr-who');
  });
});

describe('a token that is not ours', () => {
  it('of another gateway is refused', async () => {
    const other = await open('HospitalBMSP');
    const { accessToken } = await other.open(member('dr-hale'));
    other.close();
    await expect(sessions.authenticate(accessToken)).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
  });

  it('that names another gateway is refused, even under our key', async () => {
    const { accessToken } = await sessions.open(member('dr-hale'));
    const key = Buffer.from(readFileSync(keyPath('HospitalAMSP'), 'utf8').trim(), 'hex');
    const claims = decodeJwt(accessToken);
    const forged = (change: object) =>
      new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(key);
    expect((await sessions.authenticate(await forged({}))).identity.memberId).toBe('dr-hale');
    for (const change of [{ iss: 'HospitalBMSP' }, { aud: 'HospitalBMSP' }, { exp: undefined }, { sub: undefined }]) {
      await expect(sessions.authenticate(await forged(change))).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
    }
    await expect(sessions.authenticate(await forged({ sub: 'dr-who' }))).rejects.toMatchObject({
      code: 'SESSION_ENDED',
    });
  });

  it('without a signature is refused', async () => {
    const { accessToken } = await sessions.open(member('dr-hale'));
    const unsigned = new UnsecuredJWT(decodeJwt(accessToken)).encode();
    await expect(sessions.authenticate(unsigned)).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
  });

  it('with one character changed is refused', async () => {
    const { accessToken } = await sessions.open(member('dr-hale'));
    const at = accessToken.length - 10;
    const other = accessToken[at] === 'A' ? 'B' : 'A';
    const changed = accessToken.slice(0, at) + other + accessToken.slice(at + 1);
    await expect(sessions.authenticate(changed)).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
  });

  it.each([undefined, '', 'x', 'a.b.c', 'x'.repeat(100_000)])(
    'nothing, or nonsense, is refused (%#)',
    async (token) => {
      await expect(sessions.authenticate(token)).rejects.toMatchObject({ code: 'NOT_SIGNED_IN' });
    },
  );
});

describe('openSessions', () => {
  it('keeps its key and its list to itself', () => {
    const modes = [keyPath('HospitalAMSP'), listPath('HospitalAMSP')].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600]);
  });

  it('refuses a damaged key file in one sentence', async () => {
    chmodSync(keyPath('HospitalAMSP'), 0o600);
    writeFileSync(keyPath('HospitalAMSP'), 'abc');
    await expect(open('HospitalAMSP')).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringMatching(/is not a key of 64 hex digits; delete it, and members sign in again\.$/),
    });
  });

  it('refuses a list that is no database', async () => {
    writeFileSync(listPath('InsurerMSP'), 'not a database, but long enough to be taken for one'.repeat(40));
    await expect(open('InsurerMSP')).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});

function open(mspId: string): Promise<Sessions> {
  return openSessions({ path: listPath(mspId), keyPath: keyPath(mspId), mspId, nowMs: clock.nowMs });
}

function keyPath(mspId: string): string {
  return join(folder, `${mspId}-${round}.key`);
}

function listPath(mspId: string): string {
  return join(folder, `${mspId}-${round}.db`);
}

function member(memberId: string): UnlockedIdentity {
  return unlockedIdentity({ memberId, role: 'doctor', mspId: 'HospitalAMSP', certificatePem: 'certificate' }, keys);
}
