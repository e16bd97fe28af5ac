import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ReleaseLog } from '../../../gateway/custody/release-log.js';
import { DurableBlockstore } from '../../../gateway/vault/durable-blockstore.js';
import { blocksOf } from '../../../gateway/vault/object-blocks.js';

// Killing a process does not lose what the system still has in its cache, so only the calls themselves show that
// data is on the disk when a store says so.
type Syncs = { datasync: () => Promise<void>; sync: () => Promise<void> };
let directory: string;
const synced: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'durability-'));
  const handle = await open(directory);
  const prototype = Object.getPrototypeOf(handle) as Syncs;
  await handle.close();
  for (const call of ['datasync', 'sync'] as const) {
    const original = prototype[call];
    jest.spyOn(prototype, call).mockImplementation(async function (this: FileHandle) {
      await original.call(this);
      synced.push(call);
    });
  }
});

beforeEach(() => {
  synced.length = 0;
});

afterAll(async () => {
  jest.restoreAllMocks();
  await rm(directory, { recursive: true });
});

function count(call: string): number {
  return synced.filter((name) => name === call).length;
}

describe('On return', () => {
  it('every kept block has been synced, and its directory after it', async () => {
    const store = new DurableBlockstore(join(directory, 'blocks'), () => undefined);
    await store.open();
    synced.length = 0;
    const trees = await Promise.all([1, 2, 3, 4].map(() => blocksOf(randomBytes(500))));
    await store.keep(trees.flatMap(({ blocks }) => blocks));
    expect(count('datasync')).toBe(4);
    expect(synced.at(-1)).toBe('sync');
    expect(synced.slice(synced.lastIndexOf('datasync')).filter((call) => call === 'sync').length).toBeGreaterThan(0);
    synced.length = 0;
    await store.erase(trees.map(({ cid }) => cid));
    expect(count('sync')).toBeGreaterThan(0);
  });

  it('every appended release has been synced, those that waited together by one call', async () => {
    const log = await ReleaseLog.open(join(directory, 'releases.log'));
    synced.length = 0;
    const entry = { transactionId: 'tx', recordId: 'r', version: 1, timeMs: 1 };
    for (let index = 0; index < 3; index += 1) {
      await log.append(entry);
      expect(count('datasync')).toBe(index + 1);
    }
    await Promise.all(Array.from({ length: 50 }, () => log.append(entry)));
    expect(count('datasync')).toBe(4);
    await log.close();
  });
});
