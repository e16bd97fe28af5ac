import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openCertificateAuthority } from '../../../network/identities/index.js';
import { generateMemberKeys, type MemberKeys } from '../../../gateway/identity/member-keys.js';
import { PASSWORD_COST, PasswordKeys } from '../../../gateway/identity/password-key.js';
import { columnsOf, parseWalletRow } from '../../../gateway/identity/wallet-row.js';
import { openWalletStore, type WalletStore } from '../../../gateway/identity/wallet-store.js';
import { CHEAP, HOSPITAL_A, makeIdentities, PASSWORD, temporaryFolder, testClock } from './identity-support.js';

const dataDir = temporaryFolder();
const keys = generateMemberKeys();
let certificatePem = '';
let path = '';
let wallets: WalletStore;
let clock = testClock(0);
let stores = 0;

beforeAll(async () => {
  await makeIdentities(dataDir);
  certificatePem = await certificateOver(keys);
});
beforeEach(async () => {
  stores += 1;
  path = join(dataDir, `wallets-${stores}.db`);
  clock = testClock(Date.UTC(2031, 0, 1));
  wallets = openWalletStore({ path, cost: CHEAP, nowMs: clock.nowMs });
  await wallets.create(wallet());
});
afterEach(() => wallets.close());

describe('unlock', () => {
  it('gives the member back, also after a restart', async () => {
    wallets.close();
    wallets = openWalletStore({ path, cost: CHEAP, nowMs: clock.nowMs });
    const {
      sign: _s,
      signStatement: _t,
      deriveShared: _d,
      encryptionPrivateKey,
      ...rest
    } = await wallets.unlock('dr-hale', PASSWORD);
    expect(rest).toEqual({
      memberId: 'dr-hale',
      role: 'doctor',
      agencyId: 'ward-7',
      mspId: 'HospitalAMSP',
      certificatePem,
      signingPublicKeySpki: keys.signingPublicKeySpki,
      encryptionPublicKey: keys.encryptionPublicKey,
    });
    expect(encryptionPrivateKey()).toHaveLength(32);
  });

  it.each([
    { name: 'a wrong password', memberId: 'dr-hale', password: `${PASSWORD} ` },
    { name: 'an unknown member', memberId: 'dr-who', password: PASSWORD },
    { name: 'an id that nobody can have', memberId: 'DR HALE', password: PASSWORD },
    { name: 'a password beyond all bounds', memberId: 'dr-hale', password: 'x'.repeat(1025) },
    { name: 'no password', memberId: 'dr-hale', password: '' },
  ])('$name: the same answer', async ({ memberId, password }) => {
    await expect(wallets.unlock(memberId, password)).rejects.toMatchObject({
      code: 'INVALID_CREDENTIALS',
      message: 'INVALID_CREDENTIALS: member id and password do not belong together.',
    });
  });

  it('takes the same characters in another Unicode form', async () => {
    await wallets.create(wallet({ memberId: 'p-1', password: 'cafe\u0301 au lait, s\u2019il' }));
    expect((await wallets.unlock('p-1', 'caf\u00e9 au lait, s\u2019il')).memberId).toBe('p-1');
  });

  it.each([{ memberId: 'mallory' }, { memberId: 'mallory', role: 'auditor' }])(
    'keys copied into another row do not open, even where the digest of the row is made to fit: %j',
    async (moved) => {
      const database = new DatabaseSync(path);
      const stolen = parseWalletRow(database.prepare('SELECT * FROM wallets').get() ?? {});
      const columns = columnsOf({ ...stolen, ...moved });
      database.prepare(`INSERT INTO wallets VALUES (${columns.map(() => '?').join()})`).run(...columns);
      database.close();
      expect(wallets.find('mallory')).toMatchObject(moved);
      await expect(wallets.unlock('mallory', PASSWORD)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    },
  );

  it.each(['role', 'certificate_pem', 'salt', 'sealed_keys', 'signing_public_key', 'memory_kib', 'row_digest'])(
    'a changed %s is told apart from a wrong password',
    async (column) => {
      change(
        column === 'memory_kib'
          ? 'UPDATE wallets SET memory_kib = 16'
          : `UPDATE wallets SET ${column} = ${['role', 'certificate_pem'].includes(column) ? "'x'" : "x'00'"}`,
      );
      await expect(wallets.unlock('dr-hale', PASSWORD)).rejects.toMatchObject({ code: 'WALLET_UNREADABLE' });
    },
  );
});

describe('create', () => {
  it('refuses a second wallet of a member, also when both come at once', async () => {
    await expect(wallets.create(wallet())).rejects.toMatchObject({ code: 'MEMBER_EXISTS' });
    const both = [wallet({ memberId: 'twin' }), wallet({ memberId: 'twin' })].map((one) => wallets.create(one));
    const outcomes = (await Promise.allSettled(both)).map(({ status }) => status);
    expect(outcomes.sort()).toEqual(['fulfilled', 'rejected']);
  });

  it.each([
    { name: '11 characters', password: 'a'.repeat(11), taken: false },
    { name: '12 characters', password: 'a'.repeat(12), taken: true },
    { name: '6 characters of two code units', password: '\u{1f512}'.repeat(6), taken: false },
    { name: '256 characters', password: 'a'.repeat(256), taken: true },
    { name: '257 characters', password: 'a'.repeat(257), taken: false },
  ])('a password of $name is taken: $taken', async ({ password, taken }) => {
    const made = wallets.create(wallet({ memberId: 'p-2', password }));
    const outcome = await made.then(
      () => 'taken',
      (error) => error.code,
    );
    expect(outcome).toBe(taken ? 'taken' : 'WEAK_PASSWORD');
  });

  it('leaves no private key and no password in the file, and lets nobody else read it', () => {
    wallets.close();
    const bytes = readDatabase();
    for (const secret of [PASSWORD, keys.signingKey, keys.encryptionKey]) {
      const raw =
        typeof secret === 'string'
          ? Buffer.from(secret)
          : Buffer.from(secret.export({ format: 'jwk' }).d ?? '', 'base64url');
      expect(bytes.includes(raw)).toBe(false);
    }
    expect(bytes.includes(Buffer.from(keys.encryptionPublicKey))).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    wallets = openWalletStore({ path, cost: CHEAP });
  });
});

describe('remove', () => {
  it('takes a member back, once', () => {
    expect([wallets.remove('dr-hale'), wallets.has('dr-hale'), wallets.remove('dr-hale')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(wallets.find('dr-hale')).toBeUndefined();
  });
});

describe('password keys', () => {
  it('agree with the reference implementation of argon2id', async () => {
    const cost = { memoryKib: 65_536, passes: 2, parallelism: 1 };
    const key = await new PasswordKeys().derive('password', Buffer.from('somesalt'), cost);
    expect(Buffer.from(key).toString('hex')).toBe('09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7');
  });

  it('cost what OWASP asks for at least', () => {
    expect(PASSWORD_COST.memoryKib).toBeGreaterThanOrEqual(19_456);
    expect(PASSWORD_COST.passes).toBeGreaterThanOrEqual(2);
  });

  it('beyond two at once and 64 waiting, the next is sent away and the rest are served', async () => {
    const passwordKeys = new PasswordKeys();
    const calls = Array.from({ length: 67 }, () => passwordKeys.derive(PASSWORD, Buffer.alloc(16), CHEAP));
    const outcomes = (await Promise.allSettled(calls)).map((outcome) => outcome.status);
    expect(outcomes.filter((status) => status === 'fulfilled')).toHaveLength(66);
    expect(outcomes.at(-1)).toBe('rejected');
    expect(await passwordKeys.derive(PASSWORD, Buffer.alloc(16), CHEAP)).toHaveLength(32);
  });
});

async function certificateOver({ signingPublicKeySpki }: MemberKeys): Promise<string> {
  return openCertificateAuthority(dataDir, HOSPITAL_A).issueMember({
    publicKeySpki: signingPublicKeySpki,
    memberId: 'dr-hale',
    role: 'doctor',
    agencyId: 'ward-7',
    ou: 'client',
  });
}

function wallet(change: { memberId?: string; password?: string } = {}) {
  const card = { memberId: 'dr-hale', role: 'doctor', agencyId: 'ward-7', mspId: 'HospitalAMSP', certificatePem };
  return { ...card, keys, password: PASSWORD, ...change };
}

function change(sql: string): void {
  const database = new DatabaseSync(path);
  expect(database.prepare(sql).run().changes).toBeGreaterThan(0);
  database.close();
}

function readDatabase(): Buffer {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
  return readFileSync(path);
}
