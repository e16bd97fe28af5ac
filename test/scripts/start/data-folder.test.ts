import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openDataFolder } from '../../../scripts/start/data-folder.js';

const IS_ROOT = process.getuid?.() === 0;
let parent: string;
let path: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'data-folder-'));
  path = join(parent, 'data');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

function open(folder = path) {
  return openDataFolder({ path: folder, channel: 'medledger', nowMs: 0 });
}

async function foundedFolder(): Promise<void> {
  const folder = await open();
  for (const part of ['organizations', 'ledger', 'gateways']) mkdirSync(join(path, part));
  await folder.markFounded();
  folder.release();
}

describe('a data folder', () => {
  it('is made for its owner alone, and is not founded', async () => {
    const folder = await open();
    expect(folder.isFounded).toBe(false);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    folder.release();
  });

  it('is closed to others also where an open, empty one was there before', async () => {
    mkdirSync(path);
    chmodSync(path, 0o755);
    const folder = await open();
    expect(statSync(path).mode & 0o777).toBe(0o700);
    folder.release();
  });

  it('says so where the file system takes no folders, instead of trying for ever', async () => {
    const folder = process.platform === 'linux' ? '/proc/medledger/data' : join('/dev/null', 'data');
    await expect(open(folder)).rejects.toThrow('choose another one with --data');
  });

  it('is founded the next time once it was marked', async () => {
    await foundedFolder();
    const again = await open();
    expect(again.isFounded).toBe(true);
    again.release();
  });

  it('goes on where a first start was cut short', async () => {
    (await open()).release();
    mkdirSync(join(path, 'organizations'));
    const again = await open();
    expect(again.isFounded).toBe(false);
    again.release();
  });

  it('is one process at a time', async () => {
    const folder = await open();
    await expect(open()).rejects.toThrow(`A network is running on the data folder ${path} already`);
    folder.release();
    const next = await open();
    next.release();
  });

  it('stays usable when opening it was refused', async () => {
    (await open()).release();
    const marker = readFileSync(join(path, 'consortium.json'), 'utf8');
    writeFileSync(join(path, 'consortium.json'), '{');
    await expect(open()).rejects.toThrow('consortium.json is not readable');
    writeFileSync(join(path, 'consortium.json'), marker);
    (await open()).release();
  });
});

describe('a broken data folder is told in one line', () => {
  it('a file in its place', async () => {
    writeFileSync(path, '');
    await expect(open()).rejects.toThrow(`${path} is a file, not a folder; choose another one with --data.`);
  });

  it('a file above it', async () => {
    writeFileSync(path, '');
    await expect(open(join(path, 'below'))).rejects.toThrow('cannot be used (ENOTDIR)');
  });

  (IS_ROOT ? it.skip : it)('no right to read it', async () => {
    mkdirSync(path);
    chmodSync(path, 0o000);
    await expect(open()).rejects.toThrow('cannot be used (EACCES)');
  });

  it("somebody else's folder, which stays as it is", async () => {
    mkdirSync(path);
    writeFileSync(join(path, 'thesis.txt'), 'mine');
    await expect(open()).rejects.toThrow('is not a data folder of MedLedger: it holds thesis.txt');
    expect(existsSync(join(path, 'consortium.json'))).toBe(false);
  });

  it.each([
    { name: 'another format', marker: { format: 2, channel: 'medledger' } },
    { name: 'another channel', marker: { format: 1, channel: 'other' } },
  ])('$name', async ({ marker }) => {
    mkdirSync(path);
    writeFileSync(join(path, 'consortium.json'), JSON.stringify(marker));
    await expect(open()).rejects.toThrow('was made by another version');
  });

  it('a marker without its fields', async () => {
    mkdirSync(path);
    writeFileSync(join(path, 'consortium.json'), '{"format":"1"}');
    await expect(open()).rejects.toThrow('is broken: consortium.json is not readable');
  });

  it.each(['organizations', 'ledger', 'gateways'])('no %s in a founded one', async (part) => {
    await foundedFolder();
    rmSync(join(path, part), { recursive: true });
    await expect(open()).rejects.toThrow(`is broken: its folder ${part} is missing`);
  });

  it('a lock file that is not one', async () => {
    mkdirSync(path);
    writeFileSync(
      join(path, 'start.lock'),
      'not a database, and longer than the header of one, which has 100 bytes'.repeat(3),
    );
    await expect(open()).rejects.toThrow('is broken: its lock file cannot be opened');
  });
});
