import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { RunList } from '../../../network/devledger/processes/run-list.js';

const ENTRY = { name: 'basic', version: '1.0', sequence: 1, folder: '/somewhere/basic' };

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-list-'));
  path = join(folder, 'chaincodes.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is the same after it was opened again', () => {
  new RunList(path).set(ENTRY);
  expect(new RunList(path).entries()).toEqual([ENTRY]);
});

it('takes a list from before there was a digest', () => {
  writeFileSync(path, JSON.stringify([ENTRY]));
  expect(new RunList(path).entries()).toEqual([ENTRY]);
});

it('notices every byte that was changed behind its back', () => {
  new RunList(path).set(ENTRY);
  const bytes = readFileSync(path);
  const unnoticed: string[] = [];
  for (let place = 0; place < bytes.length; place += 1) {
    const spoilt = Buffer.from(bytes);
    spoilt.writeUInt8(spoilt.readUInt8(place) ^ (1 << (place % 8)), place);
    writeFileSync(path, spoilt);
    try {
      new RunList(path);
      unnoticed.push(`${place}: ${spoilt.toString()}`);
    } catch (error) {
      expect(error).toMatchObject({ code: 'DEFINITIONS_UNREADABLE' });
    }
  }
  expect(unnoticed).toEqual([]);
});
