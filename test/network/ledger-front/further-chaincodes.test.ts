import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import { ensureIdentities, tlsCaBundle } from '../../../network/identities/index.js';
import { freePorts } from '../../support/free-ports.js';
import { type ChaincodeProcess, startChaincode } from './chaincode-process.js';
import { decode, enrol, failureOf, type MemberClient, memberClient } from './front-client.js';
import { freeTopology, startChaincodes, withPeer } from './front-network.js';

let dataDir: string;
let ledger: DevLedger;
let client: MemberClient;
const chaincodes: ChaincodeProcess[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'further-chaincodes-'));
  const topology = await freeTopology();
  await ensureIdentities(topology, dataDir);
  chaincodes.push(...(await startChaincodes(topology)).values());
  const [secondPort = 0] = await freePorts(1);
  // One service for all peers: a chaincode is told apart by its name, not by where it runs.
  chaincodes.push(await startChaincode(secondPort));
  ledger = await startDevLedger({
    topology,
    dataDir,
    log: pino({ level: 'silent' }),
    furtherChaincodes: [{ name: 'second', version: '1.0', addressOf: () => `127.0.0.1:${secondPort}` }],
  });
  const home = withPeer(topology)[0] ?? { mspId: '', domain: '' };
  const endpoint = ledger.endpoints.find(({ mspId }) => mspId === home.mspId) ?? { address: '', host: '' };
  client = memberClient(endpoint, tlsCaBundle(dataDir, topology), await enrol(dataDir, home));
});

afterAll(async () => {
  client.close();
  await ledger.stop();
  await Promise.all(chaincodes.map((chaincode) => chaincode.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

describe('a further chaincode on the channel', () => {
  it('commits beside the first, each with keys of its own', async () => {
    const second = client.network.getContract('second');
    await client.contract.submitTransaction('put', 'key', 'of the first');
    await second.submitTransaction('put', 'key', 'of the second');
    expect(decode(await client.contract.evaluateTransaction('get', 'key'))).toBe('of the first');
    expect(decode(await second.evaluateTransaction('get', 'key'))).toBe('of the second');
  });

  it('leaves names that nobody defined unknown', async () => {
    const third = client.network.getContract('third');
    const failure = await failureOf(third.submitTransaction('put', 'key', 'value'));
    expect(failure.message).toContain('No metadata was found for chaincode third');
  });
});
