import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Outbox, openOutbox } from '../../../gateway/ledger/outbox.js';

let directory: string;
let path: string;
let outbox: Outbox;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'medledger-outbox-'));
  path = join(directory, 'stores', 'outbox.sqlite');
  outbox = openOutbox(path);
});
afterEach(() => {
  outbox.close();
  rmSync(directory, { recursive: true, force: true });
});

const entry = (transactionId: string, signedAtMs = 1) => ({
  transactionId,
  signedAtMs,
  bytes: Uint8Array.from([1, 2, 3]),
});

describe('openOutbox', () => {
  it('holds what was saved, oldest first, for another process too', async () => {
    await Promise.all([outbox.save(entry('b', 2)), outbox.save(entry('a', 3)), outbox.save(entry('c', 1))]);
    const ids = (from: Outbox) => from.pending().map(({ transactionId }) => transactionId);
    expect(ids(outbox)).toEqual(['c', 'b', 'a']);
    const second = openOutbox(path);
    expect(ids(second)).toEqual(['c', 'b', 'a']);
    expect([...(second.pending()[0]?.bytes ?? [])]).toEqual([1, 2, 3]);
    second.close();
  });

  it('does not show what was removed, and has it off the disk after close', async () => {
    await outbox.save(entry('a'));
    outbox.remove('a');
    expect(outbox.pending()).toEqual([]);
    outbox.close();
    outbox = openOutbox(path);
    expect(outbox.pending()).toEqual([]);
  });

  it('writes through a full sync, into a file for its owner alone', async () => {
    await outbox.save(entry('a'));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const database = new DatabaseSync(path);
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    database.close();
  });

  it('says that it is damaged instead of starting empty', () => {
    outbox.close();
    const broken = join(directory, 'broken.sqlite');
    writeFileSync(broken, 'this is no database, but it is long enough to be taken for one. '.repeat(64));
    expect(() => openOutbox(broken)).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }));
  });

  it('refuses to save when closed', async () => {
    outbox.close();
    await expect(outbox.save(entry('a'))).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
  });
});
