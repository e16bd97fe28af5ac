import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { peer } from '@hyperledger/fabric-protos';
import { pino } from 'pino';
import { plainDefinition } from '../../../network/devledger/commit/chaincode-definition.js';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import { ensureIdentities, tlsCaBundle } from '../../../network/identities/index.js';
import { initCall } from '../init-call.js';
import type { ChaincodeProcess } from './chaincode-process.js';
import { decode, enrol, failureOf, type Member, type MemberClient, memberClient } from './front-client.js';
import { freeTopology, startChaincodes, withPeer } from './front-network.js';

let dataDir: string;
let ledger: DevLedger;
let client: MemberClient;
let member: Member;
const chaincodes: ChaincodeProcess[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'initialisation-'));
  const topology = await freeTopology();
  await ensureIdentities(topology, dataDir);
  chaincodes.push(...(await startChaincodes(topology)).values());
  const endorsers = withPeer(topology).map(({ mspId }) => mspId);
  const plain = plainDefinition(topology.chaincode, { endorsers, needed: topology.endorsementsNeeded });
  const definitions = [{ ...plain, initRequired: true }];
  ledger = await startDevLedger({ topology, dataDir, log: pino({ level: 'silent' }), definitions });
  const home = withPeer(topology)[0] ?? { mspId: '', domain: '' };
  const endpoint = ledger.endpoints.find(({ mspId }) => mspId === home.mspId) ?? { address: '', host: '' };
  member = await enrol(dataDir, home);
  client = memberClient(endpoint, tlsCaBundle(dataDir, topology), member);
});

afterAll(async () => {
  client.close();
  await ledger.stop();
  await Promise.all(chaincodes.map((chaincode) => chaincode.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

function initialise() {
  return initCall({ ...client, privateKey: member.privateKey }, 'init');
}

describe('a chaincode that has to be initialised', () => {
  it('does nothing before it was, and its Init nothing after it', async () => {
    const early = await failureOf(client.contract.submitTransaction('put', 'k', 'v'));
    expect(early.details[0]?.message).toMatch(
      /^error in simulation: failed to execute transaction [0-9a-f]{64}: invalid invocation: chaincode 'medledger' has not been initialized for this version, must call as init first$/,
    );
    const status = await (await (await initialise().endorse()).submit()).getStatus();
    expect(status.code).toBe(peer.TxValidationCode.VALID);
    await client.contract.submitTransaction('put', 'k', 'v');
    expect(decode(await client.contract.evaluateTransaction('get', 'k'))).toBe('v');
    const late = await failureOf(initialise().endorse());
    expect(late.details[0]?.message).toMatch(
      /: invalid invocation: chaincode 'medledger' is already initialized but called as init$/,
    );
  });
});
