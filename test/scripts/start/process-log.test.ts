import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ProcessLog } from '../../../scripts/start/process-log.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'process-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function textOf(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

describe('ProcessLog', () => {
  it('goes on in the file of the last run', () => {
    for (const text of ['one\n', 'two\n']) {
      const log = new ProcessLog(join(folder, 'a.log'));
      log.append(Buffer.from(text));
      log.close();
    }
    expect(textOf('a.log')).toBe('one\ntwo\n');
  });

  it('begins a new file beyond its size and keeps the one before', () => {
    const log = new ProcessLog(join(folder, 'a.log'), 8);
    for (const text of ['12345678', 'abcdefgh', 'ABC']) log.append(Buffer.from(text));
    log.close();
    expect(textOf('a.log.1')).toBe('abcdefgh');
    expect(textOf('a.log')).toBe('ABC');
  });

  it('takes what comes after its end without a word', () => {
    const log = new ProcessLog(join(folder, 'a.log'));
    log.close();
    log.append(Buffer.from('late'));
    expect(textOf('a.log')).toBe('');
  });
});
