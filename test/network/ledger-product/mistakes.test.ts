import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DeployRequest, type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import { twoOrganisations, writeCollections } from './stranger.js';

let dataDir: string;
let ledger: DevLedger;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'mistakes-'));
  ledger = await startDevLedger({ topology: await twoOrganisations(), dataDir });
  writeCollections(join(dataDir, 'collections.json'), { policy: "OR('Org1MSP.member','Org9MSP.member')" });
  writeFileSync(join(dataDir, 'fails.cjs'), "throw new TypeError('the wallet is empty');\n");
}, 60_000);
afterAll(async () => {
  await ledger.stop();
  rmSync(dataDir, { recursive: true, force: true });
}, 30_000);

/** A package whose manifest is this text. */
function packageOf(manifest: string | object): string {
  const folder = mkdtempSync(join(dataDir, 'package-'));
  mkdirSync(join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
  return folder;
}

interface Mistake {
  readonly name: string;
  readonly request: () => Partial<DeployRequest>;
  readonly message: RegExp;
}

const scripts = (own: object) => ({ folder: packageOf({ name: 'x', version: '1.0.0', scripts: own }) });

const MISTAKES: readonly Mistake[] = [
  {
    name: 'a folder that is not there',
    request: () => ({ folder: join(dataDir, 'nowhere') }),
    message: /^DEFINITION_INVALID: there is no folder .*nowhere; name that of the chaincode\.$/,
  },
  {
    name: 'a folder of something else',
    request: () => ({ folder: mkdtempSync(join(dataDir, 'empty-')) }),
    message: /^DEFINITION_INVALID: .* holds neither a package\.json nor a go\.mod/,
  },
  {
    name: 'a manifest that is no JSON',
    request: () => ({ folder: packageOf('{"name":') }),
    message: /^DEFINITION_INVALID: .* is no package manifest .*; mend it\.$/,
  },
  {
    name: 'a package that cannot be started',
    request: () => scripts({}),
    message: /^DEFINITION_INVALID: .* has no start script; fabric-shim wants/,
  },
  {
    name: 'a build that fails',
    request: () => scripts({ build: 'echo "index.ts(3,5): error TS2322"; exit 2', start: 'x' }),
    message:
      /^CHAINCODE_BUILD_FAILED: .* ended with 2: index\.ts\(3,5\): error TS2322 \(log: .*\)\. Mend that, then deploy/,
  },
  {
    name: 'a program that ends with an error',
    request: () => scripts({ start: `node ${join(dataDir, 'fails.cjs')}` }),
    message: /^CHAINCODE_EXITED: x ended 3 times .* \(status 1\): TypeError: the wallet is empty \(logs: /,
  },
  {
    name: 'a program that is killed',
    request: () => scripts({ start: 'kill -9 $$;' }),
    message: /^CHAINCODE_EXITED: .* \(SIGKILL: somebody killed it, or the system/,
  },
  {
    name: 'the name of a system chaincode',
    request: () => ({ name: 'qscc' }),
    message: /^DEFINITION_INVALID: qscc is the name of a system chaincode/,
  },
  {
    name: 'a policy that names a stranger',
    request: () => ({ policy: "OR('Org9MSP.member')" }),
    message: /^POLICY_INVALID: Org9MSP is no member of mychannel; its members are Org1MSP, Org2MSP\.$/,
  },
  {
    name: 'a collection that names a stranger',
    request: () => ({ collections: join(dataDir, 'collections.json') }),
    message: /^COLLECTIONS_INVALID: in collection shared, Org9MSP is no member of mychannel/,
  },
];

describe('a deployment is refused with what to do next, for', () => {
  it.each(MISTAKES)(
    '$name',
    async ({ request, message }) => {
      await expect(ledger.deploy({ name: 'x', version: '1', ...request() })).rejects.toThrow(message);
      expect(ledger.chaincodes()).toEqual([]);
    },
    60_000,
  );
});
