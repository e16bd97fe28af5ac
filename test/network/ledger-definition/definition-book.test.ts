import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseCollections } from '../../../network/devledger/definition/collections-file.js';
import { DefinitionBook } from '../../../network/devledger/definition/definition-book.js';
import type { SignatureDefinition } from '../../../network/devledger/definition/definition-in-force.js';
import { parsePolicyExpression } from '../../../network/devledger/definition/policy-expression.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'definitions-'));
  path = join(folder, 'definitions.json');
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('DefinitionBook', () => {
  it('begins with nothing', () => {
    expect(DefinitionBook.open(path).at().size).toBe(0);
  });

  it('answers with the definition that counted for a block, also after it was opened again', () => {
    const book = DefinitionBook.open(path);
    book.add(basic({ sequence: 1 }), 3);
    book.add(basic({ sequence: 2, version: '2.0' }), 7);
    const again = DefinitionBook.open(path);
    for (const each of [book, again]) {
      expect([2, 3, 6, 7, undefined].map((block) => each.at(block).get('basic')?.version)).toEqual([
        undefined,
        '1.0',
        '1.0',
        '2.0',
        '2.0',
      ]);
    }
    expect(again.isInForce(basic({ sequence: 2, version: '2.0' }))).toBe(true);
  });

  it('keeps policy and collections', () => {
    const collections = parseCollections('[{"name":"c","policy":"OR(\'Org1MSP.member\')"}]');
    DefinitionBook.open(path).add(basic({ collections }), 1);
    const found = DefinitionBook.open(path).at().get('basic');
    expect(found?.collections?.toObject()).toEqual(collections.toObject());
    expect(found?.endorsementPolicy.toObject()).toEqual(basic({}).endorsementPolicy.toObject());
  });

  it('gives the same terms their sequence and other terms the next', () => {
    const book = DefinitionBook.open(path);
    expect(book.sequenceFor(basic({}))).toBe(1);
    book.add(basic({}), 1);
    expect(book.sequenceFor(basic({}))).toBe(1);
    expect(book.sequenceFor(basic({ version: '2.0' }))).toBe(2);
  });

  it('notices every byte that was changed behind its back', () => {
    DefinitionBook.open(path).add(basic({}), 1);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length - 1; at += 7) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8((changed[at] ?? 0) ^ 0x04, at);
      writeFileSync(path, changed);
      expect(() => DefinitionBook.open(path)).toThrow(/^DEFINITIONS_UNREADABLE/);
    }
  });
});

describe('the sequence of a definition', () => {
  it.each([
    {
      name: 'a first one with sequence 2',
      before: [],
      asked: { sequence: 2 },
      reason: /requested sequence is 2, but new definition must be sequence 1/,
    },
    {
      name: 'one that leaves a sequence out',
      before: [1],
      asked: { sequence: 3 },
      reason: /requested sequence is 3, but new definition must be sequence 2/,
    },
    {
      name: 'one that goes back',
      before: [1, 2],
      asked: { sequence: 1 },
      reason: /requested sequence is 1, but new definition must be sequence 3/,
    },
    {
      name: 'the same sequence with other terms',
      before: [1],
      asked: { sequence: 1, version: '1.1' },
      reason: /committed with other parameters; take sequence 2/,
    },
  ])('refuses $name', ({ before, asked, reason }) => {
    const book = DefinitionBook.open(path);
    for (const sequence of before) book.add(basic({ sequence }), sequence);
    expect(() => book.isInForce(basic(asked))).toThrow(reason);
  });
});

function basic(change: Partial<SignatureDefinition>): SignatureDefinition {
  return {
    name: 'basic',
    version: '1.0',
    sequence: 1,
    endorsementPolicy: parsePolicyExpression("AND('Org1MSP.member','Org2MSP.member')"),
    collections: undefined,
    initRequired: false,
    ...change,
  };
}
