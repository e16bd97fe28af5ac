import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { common } from '@hyperledger/fabric-protos';
import { pino } from 'pino';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import { ensureIdentities, tlsCaBundle } from '../../../network/identities/index.js';
import type { Topology } from '../../../network/topology.js';
import { untilTrue } from '../../support/eventually.js';
import type { ChaincodeProcess } from './chaincode-process.js';
import { decode, enrol, failureOf, type Member, type MemberClient, memberClient } from './front-client.js';
import { freeTopology, startChaincodes, withPeer } from './front-network.js';

const log = pino({ level: process.env.LEDGER_TEST_LOG ?? 'silent' });

let dataDir: string;
let topology: Topology;
let chaincodes: Map<string, ChaincodeProcess>;
let member: Member;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'dev-ledger-'));
  topology = await freeTopology();
  await ensureIdentities(topology, dataDir);
  chaincodes = await startChaincodes(topology);
  member = await enrol(dataDir, withPeer(topology)[0] ?? { mspId: '', domain: '' });
});

afterAll(async () => {
  await Promise.all([...chaincodes.values()].map((chaincode) => chaincode.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

async function withLedger<Result>(use: (ledger: DevLedger, client: MemberClient) => Promise<Result>): Promise<Result> {
  const ledger = await startDevLedger({ topology, dataDir, log });
  const endpoint = ledger.endpoints.find(({ mspId }) => mspId === member.identity.mspId) ?? ledger.endpoints[0];
  const client = memberClient(endpoint ?? { address: '', host: '' }, tlsCaBundle(dataDir, topology), member);
  try {
    return await use(ledger, client);
  } finally {
    client.close();
    await ledger.stop();
  }
}

async function chainInfo(client: MemberClient, mspId: string): Promise<string> {
  const info = await client.qscc.evaluate('GetChainInfo', {
    arguments: ['medledger'],
    endorsingOrganizations: [mspId],
  });
  const { height, currentblockhash } = common.BlockchainInfo.deserializeBinary(info).toObject();
  return `${height} ${String(currentblockhash)}`;
}

describe('the embedded ledger on disk', () => {
  it('keeps what was committed over a restart, and goes on from there', async () => {
    const before = await withLedger(async (_ledger, client) => {
      await client.contract.submitTransaction('put', 'kept', 'one');
      await client.contract.submitTransaction('put', 'kept', 'two');
      return chainInfo(client, 'HospitalAMSP');
    });
    await withLedger(async (ledger, client) => {
      expect([...ledger.setAside]).toEqual([]);
      expect(await chainInfo(client, 'HospitalAMSP')).toBe(before);
      expect(decode(await client.contract.evaluateTransaction('get', 'kept'))).toBe('two');
      await client.contract.submitTransaction('put', 'kept', 'three');
      const history = JSON.parse(decode(await client.contract.evaluateTransaction('history', 'kept')));
      expect(history.map(({ value }: { value: string }) => value)).toEqual(['three', 'two', 'one']);
    });
  });

  it('commits the same blocks on every peer', async () => {
    await withLedger(async (_ledger, client) => {
      await Promise.all(Array.from({ length: 30 }, (_, i) => client.contract.submitTransaction('put', `all${i}`, 'x')));
      // The submitting peer has committed; the others are at most a moment behind it.
      const height = await chainInfo(client, 'HospitalAMSP');
      for (const { mspId } of withPeer(topology))
        await waitUntil(async () => (await chainInfo(client, mspId)) === height);
    });
  });

  it('fills a peer again whose folder is gone', async () => {
    await rm(join(dataDir, 'ledger', 'peers', 'HospitalBMSP'), { recursive: true });
    await withLedger(async (ledger, client) => {
      expect([...ledger.setAside]).toEqual([]);
      expect(await chainInfo(client, 'HospitalBMSP')).toBe(await chainInfo(client, 'HospitalAMSP'));
    });
  });
});

describe('the embedded ledger on a damaged disk', () => {
  it('makes the state of a peer again that is damaged, keeps what it was, and serves with all', async () => {
    await damageDatabase('GovernmentMSP');
    await withLedger(async (ledger, client) => {
      expect([...ledger.setAside]).toEqual([]);
      await client.contract.submitTransaction('put', 'healed', 'x');
      await waitUntil(
        async () => (await chainInfo(client, 'GovernmentMSP')) === (await chainInfo(client, 'HospitalAMSP')),
      );
      const government = await client.contract.evaluate('get', {
        arguments: ['healed'],
        endorsingOrganizations: ['GovernmentMSP'],
      });
      expect(decode(government)).toBe('x');
    });
    const peer = await readdir(join(dataDir, 'ledger', 'peers', 'GovernmentMSP'));
    expect(peer.filter((name) => name.startsWith('damaged-')).length).toBe(1);
  });

  it('sets a peer aside that was damaged too often, and serves with the others', async () => {
    await damageTooOften('GovernmentMSP');
    await withLedger(async (ledger, client) => {
      expect([...ledger.setAside.keys()]).toEqual(['GovernmentMSP']);
      expect(ledger.setAside.get('GovernmentMSP')).toMatch(/GovernmentMSP was damaged \d+ times.*check the disk/);
      expect(ledger.endpoints.map(({ mspId }) => mspId)).toEqual(['HospitalAMSP', 'HospitalBMSP']);
      await client.contract.submitTransaction('put', 'two-left', 'x');
      const government = client.contract.evaluate('get', {
        arguments: ['two-left'],
        endorsingOrganizations: ['GovernmentMSP'],
      });
      expect((await failureOf(government)).message).toContain('no peers available to evaluate chaincode medledger');
    });
  });

  it('does not start when too few peers are left', async () => {
    await damageTooOften('HospitalBMSP');
    await expect(startDevLedger({ topology, dataDir, log })).rejects.toThrow(/^Only 1 of 2 peers can be started: /);
  });

  it('takes the orderer’s blocks back from the peers when its folder is lost, and orders on', async () => {
    await rm(join(dataDir, 'ledger', 'peers'), { recursive: true });
    await withLedger(async (_ledger, client) => {
      await client.contract.submitTransaction('put', 'before', 'x');
      await waitUntil(
        async () => (await chainInfo(client, 'GovernmentMSP')) === (await chainInfo(client, 'HospitalAMSP')),
      );
    });
    await rm(join(dataDir, 'ledger', 'orderer'), { recursive: true });
    await withLedger(async (ledger, client) => {
      expect([...ledger.setAside]).toEqual([]);
      await client.contract.submitTransaction('put', 'after', 'x');
      expect(decode(await client.contract.evaluateTransaction('get', 'before'))).toBe('x');
    });
  });
});

function waitUntil(holds: () => Promise<boolean>): Promise<boolean> {
  return untilTrue(holds, Boolean);
}

/** Replaces the file that names the parts of a database, without which it cannot be opened. */
async function damageDatabase(mspId: string): Promise<void> {
  const state = join(dataDir, 'ledger', 'peers', mspId, 'state');
  await writeFile(join(state, 'manifest'), 'not a manifest');
}

async function damageTooOften(mspId: string): Promise<void> {
  const peer = join(dataDir, 'ledger', 'peers', mspId);
  for (let time = 0; time < 8; time += 1) await mkdir(join(peer, `damaged-${time}`), { recursive: true });
  await damageDatabase(mspId);
}
