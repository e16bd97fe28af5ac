import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CustodyError } from '../../../gateway/custody/custody-errors.js';
import {
  openShareStore,
  type ShareDeposit,
  type SharePlace,
  type ShareStore,
} from '../../../gateway/custody/share-store.js';

const MSP_ID = 'HospitalAMSP';
let directory: string;
let store: ShareStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'share-store-'));
  store = await openShareStore({ directory, mspId: MSP_ID });
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

function place(recordId: string, version = 1): SharePlace {
  return { recordId, version, ciphertextSha256: 'ab'.repeat(32), depositor: 'HospitalBMSP' };
}

function deposit(recordId: string, fill: number, version = 1): ShareDeposit {
  return { ...place(recordId, version), patientId: 'p-1', share: new Uint8Array(33).fill(fill) };
}

async function reopened(): Promise<ShareStore> {
  await store.close();
  store = await openShareStore({ directory, mspId: MSP_ID });
  return store;
}

/** Changes the closed store's tables as somebody with the disk could. */
async function tampered(sql: string, ...values: (string | number | Uint8Array)[]): Promise<ShareStore> {
  await store.close();
  const database = new DatabaseSync(join(directory, 'shares.sqlite'));
  database.prepare(sql).run(...values);
  database.close();
  store = await openShareStore({ directory, mspId: MSP_ID });
  return store;
}

function isRefusal(error: unknown): boolean {
  return error instanceof CustodyError && error.code === 'STORE_CORRUPT';
}

/** Reads the flip test's 60 shares. Refusals are fine; what is wrong, or missing without a report, is listed. */
async function silentFaults(): Promise<string[]> {
  const opened = await openShareStore({ directory, mspId: MSP_ID }).catch((error) => error);
  if (!('verifyAll' in opened)) return isRefusal(opened) ? [] : [`${opened} ${opened.errcode}`];
  const report = await opened.verifyAll().catch((error: unknown) => ({ ok: !isRefusal(error) }));
  const faults: string[] = [];
  for (let index = 0; index < 60; index += 1) {
    const held = await opened.read(place(`s-${index}`)).catch((error: unknown) => error);
    const served = held?.share?.every((byte: number) => byte === index) === true;
    const noticed = !report.ok && (held === undefined || isRefusal(held));
    if (!served && !noticed) faults.push(`s-${index}: ${held}`);
  }
  await opened.close();
  return faults;
}

describe('ShareStore.deposit', () => {
  it('keeps a batch over a restart, and answers undefined for what it does not have', async () => {
    const batch = Array.from({ length: 200 }, (_, index) => deposit(`r-${index}`, index));
    expect(await store.deposit(batch)).toEqual({ stored: 200, alreadyHeld: 0 });
    await reopened();
    expect(await store.read(place('r-7'))).toEqual({ patientId: 'p-1', share: new Uint8Array(33).fill(7) });
    expect(await store.read(place('r-7', 2))).toBeUndefined();
    expect(await store.verifyAll()).toMatchObject({ ok: true, rowsChecked: 200 });
  });

  it('takes the same shares again, alone, in a batch with new ones, and twice in one batch', async () => {
    await store.deposit([deposit('r-1', 1)]);
    expect(await store.deposit([deposit('r-1', 1), deposit('r-2', 2)])).toEqual({ stored: 1, alreadyHeld: 1 });
    expect(await store.deposit([deposit('r-3', 3), deposit('r-3', 3)])).toEqual({ stored: 1, alreadyHeld: 1 });
    expect(await store.verifyAll()).toMatchObject({ ok: true, rowsChecked: 3 });
  });

  it.each([
    { name: 'another share for a record', conflicting: deposit('r-1', 9) },
    { name: 'another patient for a record', conflicting: { ...deposit('r-1', 1), patientId: 'p-2' } },
  ])('refuses $name, and the rest of that batch with it', async ({ conflicting }) => {
    await store.deposit([deposit('r-1', 1)]);
    await expect(store.deposit([deposit('r-2', 2), conflicting])).rejects.toMatchObject({ code: 'SHARE_CONFLICT' });
    expect(await store.read(place('r-2'))).toBeUndefined();
    expect(await store.read(place('r-1'))).toEqual({ patientId: 'p-1', share: new Uint8Array(33).fill(1) });
    expect(await store.verifyAll()).toMatchObject({ ok: true, rowsChecked: 1 });
  });

  it('keeps one share for each ciphertext of a version, so that a repeated add with a new key is no conflict', async () => {
    const again = { ...deposit('r-1', 2), ciphertextSha256: 'cd'.repeat(32) };
    expect(await store.deposit([deposit('r-1', 1), again])).toEqual({ stored: 2, alreadyHeld: 0 });
    expect((await store.read(place('r-1')))?.share[0]).toBe(1);
    expect((await store.read(again))?.share[0]).toBe(2);
    expect(await store.verifyAll()).toMatchObject({ ok: true, rowsChecked: 2 });
  });

  it('keeps one share for each depositor, so that nobody deposits in the place of another', async () => {
    const author = { ...deposit('r-1', 2), depositor: 'InsurerMSP' };
    await store.deposit([{ ...deposit('r-1', 1), patientId: 'p-2' }]);
    expect(await store.deposit([author])).toEqual({ stored: 1, alreadyHeld: 0 });
    expect((await store.read(place('r-1')))?.share[0]).toBe(1);
    expect(await store.read(author)).toEqual({ patientId: 'p-1', share: author.share });
    expect(await store.verifyAll()).toMatchObject({ ok: true, rowsChecked: 2 });
    expect(await store.destroy('r-1')).toEqual({ sharesDestroyed: 2 });
  });

  it('refuses two different shares for one record within a batch', async () => {
    const twice = [deposit('r-1', 1), deposit('r-1', 2)];
    await expect(store.deposit(twice)).rejects.toMatchObject({ code: 'SHARE_CONFLICT' });
    expect(await store.read(place('r-1'))).toBeUndefined();
  });

  it('leaves no share in plain in any of its files', async () => {
    const share = new Uint8Array(Buffer.from('CANARY-CANARY-CANARY-CANARY-CANAR'));
    await store.deposit([{ ...place('r-1'), patientId: 'p-1', share }]);
    const files = await Promise.all(
      ['shares.sqlite', 'shares.sqlite-wal'].map((name) => readFile(join(directory, name), 'latin1')),
    );
    expect(files.join('')).toContain('r-1');
    expect(files.join('')).not.toContain('CANARY');
  });
});

describe('ShareStore.destroy', () => {
  it('erases all versions of one record from the file, for good', async () => {
    await store.deposit([deposit('r-1', 1, 1), deposit('r-1', 2, 2), deposit('r-2', 3)]);
    const database = new DatabaseSync(join(directory, 'shares.sqlite'), { readOnly: true });
    const sealed = database.prepare("SELECT sealed FROM shares WHERE record_id = 'r-1' AND version = 2").get()?.sealed;
    database.close();
    const ciphertext = Buffer.from(sealed instanceof Uint8Array ? sealed : []).toString('latin1');
    expect(await store.destroy('r-1')).toEqual({ sharesDestroyed: 2 });
    await reopened();
    expect(await store.read(place('r-1', 2))).toBeUndefined();
    expect(await store.read(place('r-2'))).toBeDefined();
    expect(ciphertext).toHaveLength(12 + 33 + 16);
    expect(await readFile(join(directory, 'shares.sqlite'), 'latin1')).not.toContain(ciphertext);
    expect(await store.verifyAll()).toMatchObject({ ok: true, rowsChecked: 1 });
  });

  it('refuses a deposit for a destroyed record, and may be repeated', async () => {
    expect(await store.destroy('r-1')).toEqual({ sharesDestroyed: 0 });
    expect(await store.destroy('r-1')).toEqual({ sharesDestroyed: 0 });
    await expect(store.deposit([deposit('r-1', 1)])).rejects.toMatchObject({ code: 'SHARE_CONFLICT' });
    expect(await store.verifyAll()).toMatchObject({ ok: true });
  });
});

describe('A share store that was changed behind its back', () => {
  beforeEach(() => store.deposit([deposit('r-1', 1), deposit('r-2', 2)]));

  it.each([
    { name: 'a flipped byte', sql: 'UPDATE shares SET sealed = ? WHERE record_id = ?', value: new Uint8Array(61) },
    { name: 'another digest', sql: 'UPDATE shares SET digest = ? WHERE record_id = ?', value: new Uint8Array(32) },
    { name: 'another patient', sql: 'UPDATE shares SET patient_id = ? WHERE record_id = ?', value: 'p-2' },
  ])('$name: that share is refused and named, others are served', async ({ sql, value }) => {
    await tampered(sql, value, 'r-1');
    await expect(store.read(place('r-1'))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await store.read(place('r-2'))).toBeDefined();
    expect(await store.verifyAll()).toMatchObject({ ok: false, corrupt: [place('r-1')] });
  });

  it.each([
    { column: 'record_id', value: 'r-9', moved: place('r-9') },
    { column: 'depositor', value: 'InsurerMSP', moved: { ...place('r-1'), depositor: 'InsurerMSP' } },
    { column: 'ciphertext_sha256', value: 'ef', moved: { ...place('r-1'), ciphertextSha256: 'ef' } },
  ])('a row moved to another $column is refused there', async ({ column, value, moved }) => {
    await tampered(`UPDATE shares SET ${column} = ? WHERE record_id = 'r-1'`, value);
    await expect(store.read(moved)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await store.verifyAll()).toMatchObject({ ok: false, corrupt: [moved] });
  });

  it('a row that vanished is counted as missing', async () => {
    await tampered("DELETE FROM shares WHERE record_id = 'r-1'");
    expect(await store.verifyAll()).toMatchObject({ ok: false, missingRows: 1, corrupt: [] });
  });

  it('a record that was destroyed and then put back from an old copy is noticed', async () => {
    await store.destroy('r-1');
    await tampered("DELETE FROM destroyed WHERE record_id = 'r-1'");
    expect(await store.verifyAll()).toMatchObject({ ok: false, complete: false });
  });

  it('a changed summary stops the store from opening', async () => {
    const opening = tampered('UPDATE contents SET row_count = 1');
    await expect(opening).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('one flipped bit anywhere in its file: never a wrong share, and never a lost one that is not reported', async () => {
    await store.deposit(Array.from({ length: 60 }, (_, index) => deposit(`s-${index}`, index)));
    await store.close();
    const file = join(directory, 'shares.sqlite');
    const whole = await readFile(file);
    for (let flip = 0; flip < 80; flip += 1) {
      const changed = Buffer.from(whole);
      const index = Math.floor((flip / 80) * whole.length) + (flip % 7);
      changed[index] = (changed[index] ?? 0) ^ (1 << (flip % 8));
      await writeFile(file, changed);
      expect(await silentFaults()).toEqual([]);
    }
  });

  it('a file overwritten with noise stops the store from opening', async () => {
    await store.close();
    await writeFile(join(directory, 'shares.sqlite'), Buffer.alloc(20_000, 0x5a));
    await expect(openShareStore({ directory, mspId: MSP_ID })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});

describe('A share store of another version', () => {
  it('stops the store from opening, and says so', async () => {
    await store.close();
    const database = new DatabaseSync(join(directory, 'shares.sqlite'));
    database.exec('PRAGMA user_version = 0');
    database.close();
    await expect(openShareStore({ directory, mspId: MSP_ID })).rejects.toThrow('The share store is of version 0, ');
  });
});

describe('The key file of a share store', () => {
  it('is for its owner only', async () => {
    const { mode } = await stat(join(directory, 'share-store.key'));
    expect(mode & 0o777).toBe(0o600);
  });

  it.each([
    { name: 'missing beside a store', spoil: (file: string) => rm(file) },
    { name: 'readable by others', spoil: (file: string) => chmod(file, 0o640) },
    { name: 'too short', spoil: (file: string) => writeFile(file, 'short') },
    { name: 'another one', spoil: (file: string) => writeFile(file, Buffer.alloc(32, 1)) },
  ])('$name: the store does not open', async ({ spoil }) => {
    await store.deposit([deposit('r-1', 1)]);
    await store.close();
    await spoil(join(directory, 'share-store.key'));
    await expect(openShareStore({ directory, mspId: MSP_ID })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });

  it('opens no store of another custodian', async () => {
    await store.deposit([deposit('r-1', 1)]);
    await store.close();
    const opening = openShareStore({ directory, mspId: 'HospitalBMSP' });
    await expect(opening).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});
