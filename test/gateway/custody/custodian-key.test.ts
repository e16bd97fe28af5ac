import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadOrMakeCustodianKey } from '../../../gateway/custody/custodian-key.js';
import { openWith, sealTo } from '../../../gateway/custody/hpke.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'custodian-key-'));
  file = join(folder, 'HospitalAMSP', 'custodian.key');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

describe('loadOrMakeCustodianKey', () => {
  it('makes a pair that opens what is sealed to it, in a file for its owner alone', async () => {
    const { publicKey, privateKey } = await loadOrMakeCustodianKey(file);
    const [info, aad, plaintext] = [bytes('info'), bytes('aad'), bytes('a share')];
    const sealed = await sealTo({ publicKey, info, aad, plaintext });
    expect(await openWith({ privateKey, info, aad, sealed })).toEqual(plaintext);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/^[\w-]{43}\n$/);
  });

  it('gives the same pair again', async () => {
    expect(await loadOrMakeCustodianKey(file)).toEqual(await loadOrMakeCustodianKey(file));
  });

  it('refuses a file that others can read', async () => {
    await loadOrMakeCustodianKey(file);
    chmodSync(file, 0o640);
    await expect(loadOrMakeCustodianKey(file)).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('Others can read the key file'),
    });
  });

  it.each([
    { name: 'one byte short', text: Buffer.alloc(31, 1).toString('base64url') },
    { name: 'one byte long', text: Buffer.alloc(33, 1).toString('base64url') },
    { name: 'other characters', text: `${Buffer.alloc(31, 1).toString('base64url')}!!` },
    { name: 'empty', text: '' },
  ])('refuses a file that is damaged: $name', async ({ text }) => {
    await loadOrMakeCustodianKey(file);
    writeFileSync(file, text);
    await expect(loadOrMakeCustodianKey(file)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});
