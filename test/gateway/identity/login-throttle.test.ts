import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createEnrolment } from '../../../gateway/identity/enrolment.js';
import { openCertificateAuthority } from '../../../network/identities/index.js';
import { PASSWORD_COST } from '../../../gateway/identity/password-key.js';
import { openWalletStore, type WalletStore } from '../../../gateway/identity/wallet-store.js';
import { CHEAP, HOSPITAL_A, makeIdentities, PASSWORD, temporaryFolder, testClock } from './identity-support.js';

const dataDir = temporaryFolder();
let path = '';
let stores = 0;
let clock = testClock(0);
let wallets: WalletStore;

beforeAll(() => makeIdentities(dataDir));
beforeEach(async () => {
  stores += 1;
  path = join(dataDir, `wallets-${stores}.db`);
  clock = testClock(Date.UTC(2031, 0, 1));
  open();
  await enrolDoctor();
});
afterEach(() => wallets.close());

describe('failed sign-ins', () => {
  it.each(['dr-hale', 'dr-who'])('the fifth of %s locks for 30 s, to the millisecond', async (memberId) => {
    expect(await guess(memberId, 6)).toEqual([...Array(5).fill('INVALID_CREDENTIALS'), 'TOO_MANY_ATTEMPTS']);
    clock.pass(29_999);
    expect(await guess(memberId, 1)).toEqual(['TOO_MANY_ATTEMPTS']);
    clock.pass(1);
    expect(await guess(memberId, 1)).toEqual(['INVALID_CREDENTIALS']);
  });

  it('say how long to wait, longer each time, up to 15 minutes', async () => {
    await guess('dr-hale', 5);
    const waits: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const error = await wallets.unlock('dr-hale', 'wrong').catch((reason) => reason);
      expect(error.code).toBe('TOO_MANY_ATTEMPTS');
      waits.push(error.retryAfterMs / 1000);
      clock.pass(error.retryAfterMs);
      await guess('dr-hale', 1);
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 900, 900, 900]);
  });

  it('keep out the right password as well while the lock holds', async () => {
    await guess('dr-hale', 5);
    await expect(wallets.unlock('dr-hale', PASSWORD)).rejects.toMatchObject({ code: 'TOO_MANY_ATTEMPTS' });
    clock.pass(30_000);
    expect((await wallets.unlock('dr-hale', PASSWORD)).memberId).toBe('dr-hale');
  });

  it('are forgotten after a right one', async () => {
    await guess('dr-hale', 4);
    await wallets.unlock('dr-hale', PASSWORD);
    expect(await guess('dr-hale', 5)).toEqual(Array(5).fill('INVALID_CREDENTIALS'));
  });

  it('are not forgotten by a restart', async () => {
    await guess('dr-hale', 5);
    wallets.close();
    open();
    expect(await guess('dr-hale', 1)).toEqual(['TOO_MANY_ATTEMPTS']);
  });

  it('are forgotten after a day', async () => {
    await guess('dr-hale', 4);
    clock.pass(24 * 3_600_000 + 1);
    expect(await guess('dr-hale', 5)).toEqual(Array(5).fill('INVALID_CREDENTIALS'));
  });

  it('are counted when they come all at once', async () => {
    const guesses = Array.from({ length: 20 }, () => guess('dr-hale', 1));
    const codes = (await Promise.all(guesses)).flat();
    expect(codes.filter((code) => code === 'INVALID_CREDENTIALS')).toHaveLength(5);
    expect(codes.filter((code) => code === 'TOO_MANY_ATTEMPTS')).toHaveLength(15);
  });

  it('lock one member and not another', async () => {
    await guess('dr-who', 5);
    expect((await wallets.unlock('dr-hale', PASSWORD)).memberId).toBe('dr-hale');
  });
});

describe('the time an answer takes', () => {
  it('does not tell an unknown member from a wrong password', async () => {
    wallets.close();
    path = join(dataDir, 'full-price.db');
    wallets = openWalletStore({ path, cost: PASSWORD_COST, nowMs: clock.nowMs });
    await enrolDoctor();
    const times: Record<string, number[]> = { 'dr-hale': [], 'dr-who': [] };
    for (let round = 0; round < 4; round += 1) {
      for (const memberId of ['dr-hale', 'dr-who']) {
        const startMs = performance.now();
        await guess(memberId, 1);
        times[memberId]?.push(performance.now() - startMs);
      }
    }
    const [known, unknown] = Object.values(times).map((list) => Math.min(...list)) as [number, number];
    // The derivation is nearly all of it; a look-up that skipped it would answer in a hundredth.
    expect(unknown).toBeGreaterThan(known * 0.6);
    expect(unknown).toBeLessThan(known * 1.7);
  });
});

function open(): void {
  wallets = openWalletStore({ path, cost: CHEAP, nowMs: clock.nowMs });
}

async function enrolDoctor(): Promise<void> {
  await createEnrolment(openCertificateAuthority(dataDir, HOSPITAL_A), wallets).enrol({
    role: 'doctor',
    agencyId: 'ward-7',
    password: PASSWORD,
    memberIdFor: () => 'dr-hale',
  });
}

async function guess(memberId: string, times: number): Promise<string[]> {
  const codes: string[] = [];
  for (let count = 0; count < times; count += 1) {
    codes.push(
      await wallets.unlock(memberId, 'wrong').then(
        () => 'opened',
        (error) => error.code,
      ),
    );
  }
  return codes;
}
