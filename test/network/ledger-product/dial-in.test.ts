import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import type { LedgerTopology } from '../../../network/topology.js';
import { untilTrue } from '../../support/eventually.js';
import { decode, failureOf } from '../ledger-front/front-client.js';
import { type StrangerClient, strangerClient, twoOrganisations, writeChaincode } from './stranger.js';

const { Type } = peer.ChaincodeMessage;

let dataDir: string;
let folder: string;
let topology: LedgerTopology;
let ledger: DevLedger;
let client: StrangerClient;
const started: ChildProcess[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'dial-in-'));
  folder = join(dataDir, 'notes');
  writeChaincode(folder);
  topology = await twoOrganisations();
  ledger = await startDevLedger({ topology, dataDir, chaincodes: [{ name: 'byhand', version: '1' }] });
  client = strangerClient(dataDir, ledger.endpoints[0] ?? { address: '', host: '' });
});

afterAll(async () => {
  client.close();
  await Promise.all(started.map(end));
  await ledger.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

describe('a chaincode that somebody starts by hand with peer.address', () => {
  it('is waited for, and missed by name when it does not come', async () => {
    const failure = await failureOf(client.contract('byhand').submitTransaction('put', 'a', 'x'));
    expect(failure.details[0]?.message).toMatch(
      /could not launch chaincode byhand: nothing has registered as byhand:1/,
    );
  });

  it('serves once it has registered at each peer, and again when it was away', async () => {
    await dialInEverywhere('byhand:1');
    await submitted('first');
    await Promise.all(started.splice(0).map(end));
    await dialInEverywhere('byhand:1');
    await submitted('second');
  });

  it.each([
    {
      name: 'under a name that nobody deployed',
      type: Type.REGISTER,
      packageId: 'unknown:1',
      reason: /no chaincode unknown:1/,
    },
    {
      name: 'when it is there already',
      type: Type.REGISTER,
      packageId: 'byhand:1',
      reason: /duplicate chaincodeID: byhand:1/,
    },
    {
      name: 'when it begins with something else',
      type: Type.COMPLETED,
      packageId: 'byhand:1',
      reason: /is not REGISTER/,
    },
  ])('is refused $name', async ({ type, packageId, reason }) => {
    const port = topology.organisations[0]?.peer?.chaincodePort;
    const peerClient = new peer.ChaincodeSupportClient(`127.0.0.1:${port}`, credentials.createInsecure());
    const stream = peerClient.register();
    const id = new peer.ChaincodeID();
    id.setName(packageId);
    const message = new peer.ChaincodeMessage();
    message.setType(type);
    message.setPayload(id.serializeBinary());
    stream.on('data', () => undefined);
    stream.write(message);
    const [error] = await once(stream, 'error');
    peerClient.close();
    expect(error.message).toMatch(reason);
  });
});

async function submitted(value: string): Promise<void> {
  const put = async () => {
    try {
      await client.contract('byhand').submitTransaction('put', 'a', value);
      return decode(await client.contract('byhand').evaluateTransaction('get', 'a'));
    } catch {
      // It may not have registered everywhere yet.
      return undefined;
    }
  };
  await untilTrue(put, (found) => found === value);
}

function dialInEverywhere(packageId: string): void {
  for (const organisation of topology.organisations) {
    started.push(dialIn(packageId, organisation.peer?.chaincodePort ?? 0));
  }
}

function dialIn(packageId: string, port: number): ChildProcess {
  const shim = join(process.cwd(), 'node_modules/fabric-shim/cli.js');
  return spawn(process.execPath, [shim, 'start', '--peer.address', `127.0.0.1:${port}`], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', CORE_CHAINCODE_ID_NAME: packageId, CORE_CHAINCODE_LOGGING_LEVEL: 'critical' },
    stdio: 'ignore',
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
