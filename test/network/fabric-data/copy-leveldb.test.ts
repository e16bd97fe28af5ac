import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClassicLevel } from 'classic-level';
import { copyLevelDb } from '../../../scripts/verify/fabric/copy-leveldb.js';

const ROWS_PER_BATCH = 20;
const COPIES = 4;
/** Small, so that tables are written and compacted all the time. */
const OPTIONS = { writeBufferSize: 64 * 1024 };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'copy-database-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function rowKey(row: number): string {
  return String(row).padStart(9, '0');
}

async function rowsOf(directory: string): Promise<string[]> {
  const database = new ClassicLevel(directory);
  const keys = await database.keys().all();
  await database.close();
  return keys;
}

describe('a copy of a database', () => {
  it('has every row of one that is closed', async () => {
    const database = new ClassicLevel(join(folder, 'a'), OPTIONS);
    await database.put('one', '1');
    await database.close();
    await copyLevelDb(join(folder, 'a'), join(folder, 'b'));
    expect(await rowsOf(join(folder, 'b'))).toEqual(['one']);
  });

  it('is what one that is being written to was at some moment between two batches', async () => {
    const database = new ClassicLevel(join(folder, 'a'), OPTIONS);
    await database.open();
    let written = 0;
    let isAsked = false;
    const writing = (async () => {
      while (!isAsked) {
        const batch = Array.from({ length: ROWS_PER_BATCH }, (_, index) => rowKey(written + index));
        await database.batch(batch.map((key) => ({ type: 'put', key, value: key.repeat(30) })));
        written += ROWS_PER_BATCH;
        await wait(2);
      }
    })();
    for (let copy = 0; copy < COPIES; copy += 1) {
      await wait(200);
      const before = written;
      await copyLevelDb(join(folder, 'a'), join(folder, `copy-${copy}`));
      const after = written + ROWS_PER_BATCH;
      const keys = await rowsOf(join(folder, `copy-${copy}`));
      expect(keys.length % ROWS_PER_BATCH).toBe(0);
      expect(keys).toEqual(Array.from({ length: keys.length }, (_, row) => rowKey(row)));
      expect(keys.length).toBeGreaterThanOrEqual(before);
      expect(keys.length).toBeLessThanOrEqual(after);
    }
    isAsked = true;
    await writing;
    await database.close();
  });
});
