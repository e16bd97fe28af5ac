import { posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { hasDefaultExport, readSources, type SourceFile } from './source-files.js';

const LINES_MAX = 300;
const TEST_LINES_MAX = 400;
/** Tools that load a default export and nothing else. */
const DEFAULT_EXPORT_ALLOWED = ['gateway/portal/vite.config.ts', 'vite.config.ts'];
const NAMES_THAT_SAY_NOTHING = ['utils', 'util', 'helpers', 'helper', 'types', 'common', 'misc', 'shared'];

const files = readSources('chaincode', 'gateway', 'network', 'scripts', 'test');

function lineCountOf({ text }: SourceFile): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

function isTooLong(file: SourceFile): boolean {
  return lineCountOf(file) > (file.path.startsWith('test/') ? TEST_LINES_MAX : LINES_MAX);
}

function saysNothing({ path }: SourceFile): boolean {
  const [name = ''] = posix.basename(path).split('.');
  return NAMES_THAT_SAY_NOTHING.includes(name);
}

function isKebabCase({ path }: SourceFile): boolean {
  return /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|worker|d))?\.(ts|tsx|mjs)$/.test(posix.basename(path));
}

/** Block 0, which the ledger has made itself, with its maps of messages. */
const PARSES_ITS_OWN = 'network/devledger/commit/channel-config.ts';

/** The library's own parser takes seconds over a text whose length is a lie: `parseMessage` is for others' bytes. */
function parsesUnbounded({ path, text }: SourceFile): boolean {
  return path.startsWith('network/devledger/') && path !== PARSES_ITS_OWN && /\.deserializeBinary\b/.test(text);
}

describe('files', () => {
  it.each([
    { rule: 'are not too long', isBad: isTooLong },
    { rule: 'are named by what they are about', isBad: saysNothing },
    { rule: 'are named in kebab-case', isBad: (file: SourceFile) => !isKebabCase(file) },
    {
      rule: 'export by name',
      isBad: (file: SourceFile) => !DEFAULT_EXPORT_ALLOWED.includes(file.path) && hasDefaultExport(file),
    },
    { rule: 'of the embedded ledger parse messages within bounds', isBad: parsesUnbounded },
  ])('$rule', ({ isBad }) => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter(isBad).map(({ path }) => path)).toEqual([]);
  });

  it('are measured by rules that bite', () => {
    const lines = (count: number) => 'x;\n'.repeat(count);
    expect(isTooLong({ path: 'gateway/x.ts', text: lines(300) })).toBe(false);
    expect(isTooLong({ path: 'gateway/x.ts', text: lines(301) })).toBe(true);
    expect(isTooLong({ path: 'test/x.ts', text: lines(400) })).toBe(false);
    expect(isTooLong({ path: 'test/x.ts', text: lines(401) })).toBe(true);
    expect(saysNothing({ path: 'gateway/services/utils.ts', text: '' })).toBe(true);
    expect(saysNothing({ path: 'gateway/services/types.test.ts', text: '' })).toBe(true);
    expect(saysNothing({ path: 'gateway/services/common-name.ts', text: '' })).toBe(false);
    expect(parsesUnbounded({ path: 'network/devledger/x.ts', text: 'X.deserializeBinary(bytes)' })).toBe(true);
    expect(parsesUnbounded({ path: 'network/fabric/x.ts', text: 'X.deserializeBinary(bytes)' })).toBe(false);
    expect(isKebabCase({ path: 'gateway/openRecord.ts', text: '' })).toBe(false);
    expect(isKebabCase({ path: 'gateway/open_record.ts', text: '' })).toBe(false);
  });

  it.each([
    { text: 'export default 1;', expected: true },
    { text: 'export default function plugin() {}', expected: true },
    { text: 'const x = 1; export { x as default };', expected: true },
    { text: `export { default } from './x.js';`, expected: true },
    { text: `export { default as x } from './x.js';`, expected: false },
    { text: '// export default 1;\nexport const x = 1;', expected: false },
  ])('export by default: $text is $expected', ({ text, expected }) => {
    expect(hasDefaultExport({ path: 'gateway/x.ts', text })).toBe(expected);
  });
});
