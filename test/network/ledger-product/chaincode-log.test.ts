import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boundLog, lastWords } from '../../../network/devledger/processes/chaincode-log.js';

let dir: string;
let path: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'chaincode-log-'));
  path = join(dir, 'chaincode.log');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('lastWords', () => {
  it.each([
    {
      name: 'an error of Node',
      text: "/x/index.js:3\nthrow new Error('no wallet');\n^\n\nError: no wallet\n    at Object.<anonymous> (/x/index.js:3:7)\n\nNode.js v24.21.0\n",
      words: 'Error: no wallet',
    },
    {
      name: 'memory that ran out in Node',
      text: '<--- Last few GCs --->\n\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native stack trace -----\n\n 1: 0xb8 node::Abort\n',
      words: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    },
    {
      name: 'a panic of Go',
      text: 'starting\npanic: runtime error: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:9\nexit status 2\n',
      words: 'panic: runtime error: index out of range',
    },
    { name: 'nothing that is known', text: 'one\n\u001b[31mtwo\u001b[0m\n\n', words: 'two' },
    { name: 'nothing at all', text: '', words: '' },
  ])('of $name: $words', ({ text, words }) => {
    writeFileSync(path, `Error: of the run before\n${text}`);
    expect(lastWords(path, Buffer.byteLength('Error: of the run before\n'))).toBe(words);
  });
});

describe('a log that has grown large', () => {
  it('begins anew while it is written to, and is kept once', () => {
    writeFileSync(path, 'x'.repeat(10 * 1024 * 1024));
    boundLog(path);
    expect([statSync(path).size, statSync(`${path}.1`).size]).toEqual([0, 10 * 1024 * 1024]);
    writeFileSync(path, 'small');
    boundLog(path);
    expect(readFileSync(path, 'utf8')).toBe('small');
  });
});
