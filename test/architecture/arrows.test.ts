import { describe, expect, it } from '@jest/globals';
import { findBrokenArrows, IMPORT_RULES } from './import-rules.js';
import { importsOf, readSources } from './source-files.js';

const product = readSources('chaincode', 'gateway', 'network', 'scripts');

/** For each rule an import that it must refuse. The files need not exist: the rule is asked, not the disk. */
const PLANTED: { rule: string; path: string; text: string }[] = [
  {
    rule: 'domain knows itself and @noble/hashes',
    path: 'chaincode/domain/lane/x.ts',
    text: `import { createHash } from 'node:crypto';`,
  },
  {
    rule: 'domain knows itself and @noble/hashes',
    path: 'chaincode/domain/lane/x.ts',
    text: `export { keys } from '../../state/keys.js';`,
  },
  {
    rule: 'state knows itself and domain',
    path: 'chaincode/state/x.ts',
    text: `import { RecordContract } from '../contracts/record-contract.js';`,
  },
  {
    rule: 'contracts know state and domain, and reach the stub through state only',
    path: 'chaincode/contracts/x.ts',
    text: `import type { ChaincodeStub } from 'fabric-shim-api';`,
  },
  {
    rule: 'chaincode knows no client of Fabric: two copies of fabric-protos in one process break each other',
    path: 'chaincode/state/x.ts',
    text: `const { common } = require('@hyperledger/fabric-protos');`,
  },
  {
    rule: 'the shim is loaded by chaincode only',
    path: 'network/devledger/x.ts',
    text: `const shim = await import('fabric-shim');`,
  },
  {
    rule: 'whoever is not chaincode takes its domain by the door',
    path: 'gateway/services/x.ts',
    text: `import { solve } from '../../chaincode/domain/index.js';`,
  },
  {
    rule: 'whoever is not chaincode takes its domain by the door',
    path: 'gateway/services/x.ts',
    text: `import { contracts } from '@medledger/chaincode';`,
  },
  {
    rule: 'routes know services, schemas and plugins',
    path: 'gateway/routes/x.ts',
    text: `import { connect } from '../ledger/fabric-ledger.js';`,
  },
  {
    rule: 'schemas and plugins know services, and nothing behind them',
    path: 'gateway/plugins/x.ts',
    text: `import { open } from '../custody/open-custody.js';`,
  },
  {
    rule: 'services know what they use, and nobody who uses them',
    path: 'gateway/services/x.ts',
    text: `import type { Body } from '../schemas/consents.js';`,
  },
  {
    rule: 'ledger, vault, custody and identity know no service and no route',
    path: 'gateway/ledger/x.ts',
    text: `let error: import('../services/people.js').KeysOf;`,
  },
  {
    rule: 'projections know the shapes that services answer, and nothing else of them',
    path: 'gateway/projections/x.ts',
    text: `import { openRecord } from '../services/open-record.js';`,
  },
  {
    rule: 'the network knows no gateway',
    path: 'network/x.ts',
    text: 'const gateway = await import(gatewayPath);',
  },
  {
    rule: 'ledger and vault know none of their neighbours',
    path: 'gateway/vault/x.ts',
    text: `import '../custody/custodian.js';`,
  },
  {
    rule: 'only gateway/ledger speaks to Fabric',
    path: 'gateway/custody/x.ts',
    text: `import { connect } from '@hyperledger/fabric-gateway';`,
  },
  {
    rule: 'of the gateway, only gateway/ledger reads the messages of Fabric',
    path: 'gateway/projections/x.ts',
    text: `import { common } from '@hyperledger/fabric-protos';`,
  },
  {
    rule: 'of the gateway, only gateway/identity knows how certificates are made',
    path: 'gateway/services/x.ts',
    text: `import { issue } from '../../network/identities/index.js';`,
  },
  {
    rule: 'the gateway knows no ledger from within',
    path: 'gateway/composition/x.ts',
    text: `import { startDevLedger } from '../../network/devledger/dev-ledger.js';`,
  },
  {
    rule: 'the network knows no gateway',
    path: 'network/devledger/x.ts',
    text: `export * from '../../gateway/config.js';`,
  },
  {
    rule: 'devledger knows neither chaincode nor its rules',
    path: 'network/devledger/x.ts',
    text: `import { canonicalJson } from '@medledger/chaincode/domain';`,
  },
  {
    rule: 'the portal runs in a browser: the domain, its own files and what a browser can load',
    path: 'gateway/portal/x.tsx',
    text: `import { readFile } from 'node:fs/promises'; export const view = <p>x</p>;`,
  },
  {
    rule: 'the product knows neither its scripts nor its tests',
    path: 'network/x.ts',
    text: `import x = require('../test/support/chain-actor.js');`,
  },
];

describe('the arrows of the design', () => {
  it('hold in every file of the product and its scripts', () => {
    expect(product.length).toBeGreaterThan(30);
    expect(findBrokenArrows(product)).toEqual([]);
  });

  it.each(PLANTED)('bite: $rule ($path)', ({ rule, path, text }) => {
    const only = IMPORT_RULES.filter(({ name }) => name === rule);
    expect(findBrokenArrows([{ path, text }], only)).toMatchObject([{ rule, from: path }]);
  });

  it('have each been shown to bite', () => {
    expect(new Set(PLANTED.map(({ rule }) => rule))).toEqual(new Set(IMPORT_RULES.map(({ name }) => name)));
  });

  it.each([
    { path: 'chaincode/domain/x.ts', text: `import { sha256 } from '@noble/hashes/sha2.js'; import './lane/head.js';` },
    { path: 'gateway/routes/x.ts', text: `import { label } from '@medledger/chaincode/domain'; import './y.js';` },
    { path: 'gateway/identity/x.ts', text: `import { issue } from '../../network/identities/index.js';` },
    { path: 'gateway/projections/x.ts', text: `import type { LogItem } from '../services/medledger.js';` },
    { path: 'gateway/ledger/x.ts', text: `import { connect } from '@hyperledger/fabric-gateway';` },
    {
      path: 'gateway/services/x.ts',
      text: `// import { x } from '../routes/x.js';\nconst text = "import '../routes/x.js'";`,
    },
    {
      path: 'test/chaincode/x.ts',
      text: `import { keys } from '../../chaincode/state/keys.js'; import 'fabric-shim';`,
    },
  ])('let through what is right: $text', (file) => {
    expect(findBrokenArrows([file])).toEqual([]);
  });
});

describe('importsOf', () => {
  it('sees every way to load a module, and resolves those of the project', () => {
    const text = `
      import a from './a.js';
      import type { B } from '../b.js';
      import './side-effect.js';
      export * from '../c/index.js';
      export { d } from 'd/sub.js';
      const e = await import('node:e');
      const f = require('f');
      import g = require('g');
      type H = import('../../network/h.js').H;
      const i = await import(name);
    `;
    expect(importsOf({ path: 'gateway/x/y.ts', text }).map(({ target }) => target)).toEqual([
      'gateway/x/a',
      'gateway/b',
      'gateway/x/side-effect',
      'gateway/c/index',
      'd/sub.js',
      'node:e',
      'f',
      'g',
      'network/h',
      'computed at run time',
    ]);
  });
});
