import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { topologyFileText } from '../../../network/topology-file.js';
import { eventually } from '../../support/eventually.js';
import { decode } from '../../network/ledger-front/front-client.js';
import {
  strangerClient,
  twoOrganisations,
  writeChaincode,
  writeCollections,
} from '../../network/ledger-product/stranger.js';
import { runScript, runVerb, type VerbEnded } from '../../support/network-verb.js';

const SECRET = 'only for the members';

let dir: string;
let dataDir: string;
let topologyFile: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'plain-network-'));
  dataDir = join(dir, 'data');
  topologyFile = join(dir, 'topology.json');
  writeFileSync(topologyFile, topologyFileText(await twoOrganisations()));
  writeChaincode(join(dir, 'notes'));
});

afterAll(async () => {
  await verb('down');
  rmSync(dir, { recursive: true, force: true });
});

describe('npm run network, a ledger without gateways', () => {
  it('comes up from its topology, takes a chaincode from a folder, and a client reads what it wrote', async () => {
    expect(await verb('up', '--topology', topologyFile)).toMatchObject({ status: 0, stderr: '' });
    const collections = join(dir, 'collections.json');
    writeCollections(collections);
    const place = ['--folder', join(dir, 'notes'), '--collections', collections];
    const deployed = await verb('deploy', '--name', 'notes', '--version', '1.0', ...place);
    expect(deployed).toMatchObject({ status: 0, stderr: '' });
    expect(deployed.stdout).toMatch(/^notes 1\.0, sequence 1, is deployed/);
    const { endpoints } = await status();
    const client = strangerClient(dataDir, endpoints[0] ?? { address: '', host: '' });
    await client.contract('notes').submitTransaction('put', 'a', 'x');
    expect(decode(await client.contract('notes').evaluateTransaction('get', 'a'))).toBe('x');
    const transientData = { value: Buffer.from(SECRET) };
    await client.contract('notes').submit('putPrivate', { arguments: ['p'], transientData });
    client.close();
  });

  it('one peer stops and comes back, by its organisation', async () => {
    expect((await verb('stop-peer', '--org', 'Org2MSP')).stdout).toMatch(/is stopped; the others go on/);
    expect(Object.keys((await status()).heights)).toEqual(['Org1MSP']);
    expect((await verb('start-peer', '--org', 'Org2MSP')).stdout).toMatch(/serves and takes what it has missed/);
    expect(Object.keys((await status()).heights)).toEqual(['Org1MSP', 'Org2MSP']);
  });

  it.each([
    { args: ['stop-peer', '--org', 'Org9MSP'], reason: /^Org9MSP has no peer on this channel/ },
    { args: ['deploy', '--name', 'notes'], reason: /^deploy takes --name and --version/ },
    { args: ['deploy', '--name', 'x', '--version', '1', '--policy', 'AND('], reason: /^POLICY_INVALID/ },
    { args: ['deploy', '--name', 'notes', '--version', '2', '--sequence', '9'], reason: /^DEFINITION_SEQUENCE/ },
    { args: ['up', '--topology', 'no-such.json'], reason: /^TOPOLOGY_FILE_INVALID/ },
    { args: ['status', '--ledger', 'fabric'], reason: /runs on the embedded ledger only/ },
  ])('$args is refused in one line', async ({ args, reason }) => {
    const ended = await verb(...args);
    expect(ended.status).toBe(1);
    expect(ended.stderr).toMatch(reason);
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('restarted without the file it is the same network, with its chaincode', async () => {
    const before = await status();
    expect((await verb('restart')).status).toBe(0);
    const { heights, chaincodes } = await status();
    expect({ heights, chaincodes }).toEqual({ heights: before.heights, chaincodes: before.chaincodes });
    expect(JSON.parse(readFileSync(join(dataDir, 'topology.json'), 'utf8')).channel).toBe('mychannel');
  });
});

describe('npm run verify-ledger on it', () => {
  const copy = () => join(dir, 'copy');
  const findings = async (folder: string) => {
    const { status, stdout } = await runScript('verify-ledger', '--data', folder, '--json');
    const { checks } = JSON.parse(stdout) as { checks: { findings: { organisation: string; where: string }[] }[] };
    const found = checks.flatMap((check) =>
      check.findings.map(({ organisation, where }) => `${organisation} ${where}`),
    );
    return { status, found, checks: checks.length };
  };

  it('finds nothing while it runs: definitions, both peers, peers against each other, and the orderer', async () => {
    expect(await findings(dataDir)).toEqual({ status: 0, found: [], checks: 5 });
  });

  it('finds nothing in what a snapshot brings back, and the restored network serves its private data', async () => {
    const from = join(dir, 'snapshot');
    expect((await verb('snapshot', '--out', from)).status).toBe(0);
    await verb('down');
    const restored = await runScript('network', 'restore', '--from', from, '--data', copy());
    expect(restored).toMatchObject({ status: 0, stdout: expect.stringMatching(/All 5 checks passed/) });
    expect((await runScript('network', 'up', '--data', copy())).status).toBe(0);
    const { endpoints } = JSON.parse(
      (await runScript('network', 'status', '--json', '--data', copy())).stdout,
    ) as Report;
    const client = strangerClient(copy(), endpoints[0] ?? { address: '', host: '' });
    const value = () => client.contract('notes').evaluateTransaction('getPrivate', 'p');
    expect(decode(await eventually(value))).toBe(SECRET);
    client.close();
    expect((await runScript('network', 'down', '--data', copy())).status).toBe(0);
  });

  it.each([
    {
      part: 'a definition',
      file: 'definitions.json',
      bytes: '"version":"1.0"',
      where: /^network .*definitions\.json$/,
    },
    {
      part: 'a private value',
      file: 'peers/Org1MSP/state',
      bytes: SECRET,
      where: /^Org1MSP state: private data of notes, /,
    },
    { part: 'a block', file: 'peers/Org2MSP/blocks', bytes: 'putPrivate', where: /^Org2MSP block: block / },
  ])('names $part that was changed', async ({ file, bytes, where }) => {
    const spoilt = join(dir, 'spoilt');
    rmSync(spoilt, { recursive: true, force: true });
    cpSync(copy(), spoilt, { recursive: true });
    flipBit(join(spoilt, 'ledger', file), bytes);
    const { status, found } = await findings(spoilt);
    expect(status).toBe(1);
    expect(found).toContainEqual(expect.stringMatching(where));
  });
});

/** Changes the first byte of a text in a file, or in the files of a folder. */
function flipBit(path: string, text: string): void {
  const files = statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path];
  for (const file of files) {
    const bytes = readFileSync(file);
    const at = bytes.indexOf(text);
    if (at < 0) continue;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(file, bytes);
  }
}

interface Report {
  readonly endpoints: readonly { readonly address: string; readonly host: string }[];
  readonly heights: Readonly<Record<string, number>>;
  readonly chaincodes: readonly object[];
}

async function status(): Promise<Report> {
  return JSON.parse((await verb('status', '--json')).stdout) as Report;
}

function verb(...args: string[]): Promise<VerbEnded> {
  return runVerb(...args, '--data', dataDir);
}
