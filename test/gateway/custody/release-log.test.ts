import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type LoggedRelease, type ReleaseEntry, ReleaseLog } from '../../../gateway/custody/release-log.js';
import { IS_FULL } from '../../support/full-run.js';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'release-log-'));
  file = join(directory, 'releases.log');
});

afterEach(() => rm(directory, { recursive: true }));

function release(index: number): ReleaseEntry {
  return {
    transactionId: `tx-${index}`,
    recordId: `r-${index}`,
    version: 1,
    timeMs: 1_000 + index,
    statements: [{ id: `grant-${index % 2}`, version: index }],
  };
}

async function entriesOf(log: ReleaseLog): Promise<LoggedRelease[]> {
  const entries: LoggedRelease[] = [];
  for await (const entry of log.entries()) entries.push(entry);
  return entries;
}

/** One entry to a line: each append is awaited before the next. */
async function logOf(count: number): Promise<Buffer> {
  const log = await ReleaseLog.open(file);
  for (let index = 0; index < count; index += 1) await log.append(release(index));
  await log.close();
  return readFile(file);
}

describe('ReleaseLog', () => {
  it('gives back what was appended, in order, over a restart', async () => {
    await logOf(3);
    const log = await ReleaseLog.open(file);
    await log.append(release(3));
    const entries = await entriesOf(log);
    expect(entries).toEqual([0, 1, 2, 3].map((index) => ({ ...release(index), sequence: index })));
    expect(log.cutTail).toBeUndefined();
    await log.close();
  });

  it('writes what waits at once as one line', async () => {
    const log = await ReleaseLog.open(file);
    await Promise.all(Array.from({ length: 300 }, (_, index) => log.append(release(index))));
    expect(await entriesOf(log)).toHaveLength(300);
    await log.close();
    const lines = (await readFile(file, 'utf8')).split('\n').length - 1;
    expect(lines).toBeLessThan(5);
    expect((await ReleaseLog.open(file)).head.nextSequence).toBe(300);
  });

  it('has the entry in the file when append returns', async () => {
    const log = await ReleaseLog.open(file);
    await log.append(release(5));
    expect(await readFile(file, 'utf8')).toContain('tx-5');
    await log.close();
  });

  it('remembers the highest version of each statement over a restart, whatever the order', async () => {
    const first = await ReleaseLog.open(file);
    for (const index of [7, 3, 4]) await first.append(release(index));
    await first.close();
    const log = await ReleaseLog.open(file);
    expect(log.highestVersionSeen('grant-1')).toBe(7);
    expect(log.highestVersionSeen('grant-0')).toBe(4);
    expect(log.highestVersionSeen('never')).toBe(0);
    await log.close();
  });

  it('takes entries without a statement', async () => {
    const log = await ReleaseLog.open(file);
    const entry = { transactionId: 'tx', recordId: 'r', version: 1, timeMs: 1 };
    await log.append(entry);
    expect(await entriesOf(log)).toEqual([{ ...entry, sequence: 0 }]);
    await log.close();
  });

  it('refuses everything after a write that failed', async () => {
    const log = await ReleaseLog.open(file);
    await log.close();
    await expect(log.append(release(0))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await expect(log.append(release(1))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  });
});

describe('A release log that a crash left', () => {
  it('cut at any byte of its last line: it opens with the lines before, and the rest is kept aside', async () => {
    const whole = await logOf(3);
    const lastStart = whole.subarray(0, -1).lastIndexOf(0x0a) + 1;
    for (let sizeBytes = lastStart + 1; sizeBytes < whole.length; sizeBytes += 13) {
      await writeFile(file, whole.subarray(0, sizeBytes));
      const log = await ReleaseLog.open(file);
      expect(log.head.nextSequence).toBe(2);
      expect(log.cutTail).toMatchObject({ offset: lastStart, sizeBytes: sizeBytes - lastStart });
      expect(await readdir(directory)).toContain(`releases.log.cut-${lastStart}`);
      await log.append(release(9));
      expect((await entriesOf(log)).at(-1)).toMatchObject({ transactionId: 'tx-9', sequence: 2 });
      await log.close();
    }
  });

  it('with pages of its last line that never reached the disk: it is cut as well', async () => {
    const whole = await logOf(3);
    await writeFile(file, whole.fill(0, whole.length - 60, whole.length - 20));
    const log = await ReleaseLog.open(file);
    expect(log.head.nextSequence).toBe(2);
    await log.close();
  });

  it('cut just between two lines: nothing is cut', async () => {
    const whole = await logOf(3);
    await truncate(file, whole.subarray(0, -1).lastIndexOf(0x0a) + 1);
    const log = await ReleaseLog.open(file);
    expect(log.head.nextSequence).toBe(2);
    expect(log.cutTail).toBeUndefined();
    await log.close();
  });
});

/** Every byte with `npm run test:full`. */
const BYTES_APART = IS_FULL ? 1 : 7;

describe('A release log that was changed', () => {
  it('in any byte of its middle or last line: it does not open, and the line is named', async () => {
    const whole = await logOf(3);
    const starts = [0, ...whole.entries()].flatMap((entry) =>
      Array.isArray(entry) && entry[1] === 0x0a ? [entry[0] + 1] : entry === 0 ? [0] : [],
    );
    // The very last newline is left out: without it the line reads as one that was cut short.
    for (let index = 0; index < whole.length - 1; index += BYTES_APART) {
      const changed = Buffer.from(whole);
      changed[index] = (changed[index] ?? 0) ^ 0x01;
      await writeFile(file, changed);
      const lineStart = starts.findLast((start) => start <= index);
      await expect(ReleaseLog.open(file)).rejects.toThrow(`in the line at byte ${lineStart}:`);
    }
  });

  it('by leaving a line out, or by doubling one: it does not open', async () => {
    const whole = await logOf(3);
    const end = whole.indexOf(0x0a) + 1;
    for (const changed of [whole.subarray(end), Buffer.concat([whole.subarray(0, end), whole])]) {
      await writeFile(file, changed);
      await expect(ReleaseLog.open(file)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    }
  });

  it('while it is open: reading it names the line', async () => {
    const whole = await logOf(2);
    const log = await ReleaseLog.open(file);
    await writeFile(file, whole.fill(0x78, 100, 101));
    await expect(entriesOf(log)).rejects.toThrow('in the line at byte 0:');
    await log.close();
  });
});
