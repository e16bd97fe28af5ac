import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { topologyFileText } from '../../../network/topology-file.js';
import { decode } from '../../network/ledger-front/front-client.js';
import { strangerClient, twoOrganisations, writeChaincode } from '../../network/ledger-product/stranger.js';
import { runVerb, type VerbEnded } from '../../support/network-verb.js';

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
    const deployed = await verb('deploy', '--name', 'notes', '--version', '1.0', '--folder', join(dir, 'notes'));
    expect(deployed).toMatchObject({ status: 0, stderr: '' });
    expect(deployed.stdout).toMatch(/^notes 1\.0, sequence 1, is deployed/);
    const { endpoints } = await status();
    const client = strangerClient(dataDir, endpoints[0] ?? { address: '', host: '' });
    await client.contract('notes').submitTransaction('put', 'a', 'x');
    expect(decode(await client.contract('notes').evaluateTransaction('get', 'a'))).toBe('x');
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
