import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StateDatabase } from '../../../network/devledger/store/state-database.js';
import { copyDatabase } from '../../../scripts/verify/copy-database.js';

const ROWS_PER_BATCH = 20;
const COPIES = 4;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'copy-database-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Small memory, so that tables are written and merged all the time. */
function open(name: string): Promise<StateDatabase> {
  return StateDatabase.open(join(folder, name), 'HospitalAMSP', { memtableMaxBytes: 16 * 1024 });
}

function rowKey(row: number): string {
  return String(row).padStart(9, '0');
}

async function rowsOf(name: string): Promise<string[]> {
  const database = await open(name);
  const keys: string[] = [];
  for await (const { key } of database.rows({ gte: Buffer.alloc(0) })) keys.push(key.toString());
  expect(await database.damagedParts()).toEqual([]);
  await database.close();
  return keys;
}

describe('a copy of a database', () => {
  it('has every row of one that is closed', async () => {
    const database = await open('a');
    await database.write([{ key: Buffer.from('one'), payload: Buffer.from('1') }]);
    await database.close();
    await copyDatabase(join(folder, 'a'), join(folder, 'b'));
    expect(await rowsOf('b')).toEqual(['one']);
  });

  it('of one that is damaged is as damaged', async () => {
    const database = await open('a');
    await database.write([{ key: Buffer.from('one'), payload: Buffer.from('1') }]);
    await database.close();
    const table = readdirSync(join(folder, 'a')).find((name) => name.endsWith('.table')) ?? '';
    rmSync(join(folder, 'a', table));
    await copyDatabase(join(folder, 'a'), join(folder, 'b'));
    await expect(open('b')).rejects.toThrow(/cannot be opened/);
  });

  it('is what one that is being written to was at some moment between two batches', async () => {
    const database = await open('a');
    let written = 0;
    let isAsked = false;
    const writing = (async () => {
      while (!isAsked) {
        const batch = Array.from({ length: ROWS_PER_BATCH }, (_, index) => rowKey(written + index));
        await database.write(batch.map((key) => ({ key: Buffer.from(key), payload: Buffer.from(key.repeat(30)) })));
        written += ROWS_PER_BATCH;
        await wait(1);
      }
    })();
    let copied = 0;
    for (let copy = 0; copy < COPIES; copy += 1) {
      await wait(150);
      await copyDatabase(join(folder, 'a'), join(folder, `copy-${copy}`));
      const keys = await rowsOf(`copy-${copy}`);
      expect(keys.length % ROWS_PER_BATCH).toBe(0);
      expect(keys).toEqual(Array.from({ length: keys.length }, (_, row) => rowKey(row)));
      expect(keys.length).toBeGreaterThan(copied);
      copied = keys.length;
    }
    isAsked = true;
    await writing;
    await database.close();
  });
});
