import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { startChaincode } from './chaincode-process.js';
import { decode, failureOf, type MemberClient } from './front-client.js';
import { type FrontNetwork, startFrontNetwork, withPeer } from './front-network.js';

/** Of every call in this file, those included that are to succeed on a busy machine. */
const EXECUTE_TIMEOUT_MS = 2_500;

let network: FrontNetwork;
let client: MemberClient;

beforeAll(async () => {
  network = await startFrontNetwork({ executeTimeoutMs: EXECUTE_TIMEOUT_MS });
  client = await network.client('HospitalAMSP');
});

afterAll(() => network.stop());

async function stopChaincode(mspId: string): Promise<void> {
  await network.chaincodes.get(mspId)?.stop();
}

async function restartChaincode(mspId: string): Promise<void> {
  const port = withPeer(network.topology).find((organisation) => organisation.mspId === mspId)?.peer.chaincodePort;
  network.chaincodes.set(mspId, await startChaincode(port ?? 0));
}

describe('a chaincode that goes away', () => {
  it('fails what runs on it, and others answer queries in the meantime', async () => {
    await client.contract.submitTransaction('put', 'before', 'x');
    const running = failureOf(client.contract.submit('sleep', { arguments: ['2000'] }));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await stopChaincode('HospitalAMSP');
    const failure = await running;
    expect(failure.code).toBe(status.ABORTED);
    expect(failure.details).toEqual([
      expect.objectContaining({
        mspId: 'HospitalAMSP',
        message: expect.stringMatching(/chaincode stream terminated$/),
      }),
    ]);
    expect(decode(await client.contract.evaluateTransaction('get', 'before'))).toBe('x');
    await client.contract.submitTransaction('put', 'meanwhile', 'y');
  });

  it('is used again when it is back', async () => {
    await restartChaincode('HospitalAMSP');
    const here = { endorsingOrganizations: ['HospitalAMSP'], arguments: ['meanwhile'] };
    expect(decode(await client.contract.evaluate('get', here))).toBe('y');
  });

  it('is waited for when all are away', async () => {
    await Promise.all([...network.chaincodes.keys()].map(stopChaincode));
    const answer = client.contract.evaluateTransaction('get', 'before');
    await Promise.all([...network.chaincodes.keys()].map(restartChaincode));
    expect(decode(await answer)).toBe('x');
  });
});

describe('a transaction that takes too long', () => {
  it('is given up by each peer in turn, and its late requests reach nobody', async () => {
    const failure = await failureOf(client.contract.evaluateTransaction('sleep', String(EXECUTE_TIMEOUT_MS * 2)));
    expect(failure.code).toBe(status.ABORTED);
    expect(failure.details.map(({ message }) => message)).toEqual(
      Array.from({ length: 3 }, () => expect.stringMatching(/timeout expired while executing transaction$/)),
    );
    await new Promise((resolve) => setTimeout(resolve, EXECUTE_TIMEOUT_MS));
    expect(decode(await client.contract.evaluateTransaction('get', 'before'))).toBe('x');
  });

  it('may take almost as long as allowed', async () => {
    expect(decode(await client.contract.evaluateTransaction('sleep', String(EXECUTE_TIMEOUT_MS / 2)))).toBe('slept');
  });
});
