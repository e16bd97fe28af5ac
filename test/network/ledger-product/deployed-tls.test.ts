import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import { ensureDialInTls } from '../../../network/identities/index.js';
import type { LedgerTopology } from '../../../network/topology.js';
import { untilTrue } from '../../support/eventually.js';
import { freePorts } from '../../support/free-ports.js';
import { initCall } from '../init-call.js';
import { type ChaincodeProcess, startChaincode } from '../ledger-front/chaincode-process.js';
import { decode, failureOf } from '../ledger-front/front-client.js';
import { type StrangerClient, strangerClient, twoOrganisations, writeChaincode } from './stranger.js';

const HOST = 'service.example.com';

let dataDir: string;
let folder: string;
let topology: LedgerTopology;
let ledger: DevLedger;
let client: StrangerClient;
let service: ChaincodeProcess;
/** By name: what somebody who runs a service with TLS has in files. */
let files: { root: string; cert: string; key: string; otherRoot: string };
const started: ChildProcess[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'deployed-tls-'));
  folder = join(dataDir, 'notes');
  writeChaincode(folder);
  await startService();
  topology = { ...(await twoOrganisations()), chaincodeTls: true };
  const chaincodes = [
    { name: 'notes', version: '1.0', folder, initRequired: true },
    { name: 'byhand', version: '1' },
  ];
  ledger = await startDevLedger({ topology, dataDir, chaincodes });
  client = strangerClient(dataDir, ledger.endpoints[0] ?? { address: '', host: '' });
}, 90_000);

afterAll(async () => {
  client.close();
  await Promise.all(started.map(end));
  await ledger.stop();
  await service.stop();
  rmSync(dataDir, { recursive: true, force: true });
}, 30_000);

async function startService(): Promise<void> {
  const nowMs = Date.now();
  const tlsFolder = join(dataDir, 'service-tls');
  const tls = await ensureDialInTls(tlsFolder, HOST, nowMs);
  await tls.clientFor('peer');
  await ensureDialInTls(join(dataDir, 'other-tls'), HOST, nowMs);
  const [port = 0] = await freePorts(1);
  service = await startChaincode(port, { CHAINCODE_TLS: tlsFolder });
  files = {
    root: join(tlsFolder, 'ca.crt'),
    cert: join(tlsFolder, 'peer/client_pem.crt'),
    key: join(tlsFolder, 'peer/client_pem.key'),
    otherRoot: join(dataDir, 'other-tls/ca.crt'),
  };
}

describe('a chaincode that dials in with TLS', () => {
  it('has to be initialised first where its definition says so, and commits then', async () => {
    const contract = client.contract('notes');
    const early = await failureOf(contract.submitTransaction('put', 'a', 'early'));
    expect(early.details[0]?.message).toMatch(
      /: invalid invocation: chaincode 'notes' has not been initialized for this version, must call as init first$/,
    );
    const init = initCall({ ...client, contract }, 'put', 'a', 'from init');
    await (await (await init.endorse()).submit()).getStatus();
    expect(decode(await contract.evaluateTransaction('get', 'a'))).toBe('from init');
    await contract.submitTransaction('put', 'a', 'later');
    expect(decode(await contract.evaluateTransaction('get', 'a'))).toBe('later');
  });

  it('is refused without a certificate, and with that of another chaincode', async () => {
    const org1 = peerOf('Org1MSP');
    const plain = await firstWords(dialIn(org1, {}));
    expect(plain).toMatch(/UNAVAILABLE/);
    const foreign = await firstWords(dialIn(org1, tlsEnv('Org1MSP', folderOfNotes())));
    expect(foreign).toMatch(/byhand:1 with the given certificate belongs to a different chaincode/);
  }, 30_000);

  it('is let in by hand with the files that were made for it at each peer', async () => {
    for (const mspId of ['Org1MSP', 'Org2MSP']) dialIn(peerOf(mspId), tlsEnv(mspId, 'byhand@1'));
    await untilTrue(
      () => putAndGet('byhand', 'by hand'),
      (value) => value === 'by hand',
      30_000,
    );
  }, 40_000);
});

describe('a chaincode service with TLS', () => {
  it('serves with the files of the command line', async () => {
    const tls = { rootCert: files.root, clientCert: files.cert, clientKey: files.key };
    await ledger.deploy({ name: 'byfiles', version: '1', address: `127.0.0.1:${service.port}`, tls });
    expect(await putAndGet('byfiles', 'x')).toBe('x');
  });

  it("serves with Fabric's connection.json, the name in the certificate included", async () => {
    const connection = join(dataDir, 'connection.json');
    writeFileSync(connection, JSON.stringify(connectionFile({ domain: HOST })));
    await ledger.deploy({ name: 'byconnection', version: '1', connection });
    expect(await putAndGet('byconnection', 'y')).toBe('y');
    writeFileSync(connection, JSON.stringify(connectionFile({ domain: 'elsewhere.example.com' })));
    await ledger.deploy({ name: 'misnamed', version: '1', connection });
    expect(await putFailure('misnamed')).toMatch(/elsewhere\.example\.com|altnames/);
  }, 30_000);

  it('is not taken for the service under another authority, and says why', async () => {
    const tls = { rootCert: files.otherRoot, clientCert: files.cert, clientKey: files.key };
    await ledger.deploy({ name: 'impostor', version: '1', address: `127.0.0.1:${service.port}`, tls });
    expect(await putFailure('impostor')).toMatch(/connection to 127\.0\.0\.1:\d+ failed: .*certificate/);
  }, 30_000);

  it.each([
    { name: 'no file', change: undefined, message: /^CONNECTION_INVALID: .*there is no such file/ },
    { name: 'no root', change: { root_cert: '' }, message: /tls_required is set, and root_cert is not there/ },
    { name: 'no key', change: { client_key: '' }, message: /client_auth_required is set; add client_cert/ },
    { name: 'a template', change: { address: '{{.peername}}:99' }, message: /is no host:port.*--address/ },
    { name: 'another key', change: { client_key: 'other' }, message: /is no private key in PEM/ },
    { name: 'another type', change: { tls_required: 'yes' }, message: /tls_required must be boolean/ },
  ])('is refused with a connection file that has $name', async ({ change, message }) => {
    const connection = join(dataDir, `${change === undefined ? 'none' : 'wrong'}.json`);
    if (change !== undefined) writeFileSync(connection, JSON.stringify(connectionFile(change)));
    await expect(ledger.deploy({ name: 'wrong', version: '1', connection })).rejects.toThrow(message);
  });
});

function connectionFile(change: object): object {
  return {
    address: `127.0.0.1:${service.port}`,
    dial_timeout: '10s',
    tls_required: true,
    client_auth_required: true,
    client_key: readFileSync(files.key, 'utf8'),
    client_cert: readFileSync(files.cert, 'utf8'),
    root_cert: readFileSync(files.root, 'utf8'),
    ...change,
  };
}

async function putAndGet(chaincode: string, value: string): Promise<string | undefined> {
  try {
    await client.contract(chaincode).submitTransaction('put', 'a', value);
    return decode(await client.contract(chaincode).evaluateTransaction('get', 'a'));
  } catch {
    // It may not have registered everywhere yet.
    return undefined;
  }
}

async function putFailure(chaincode: string): Promise<string> {
  const failure = await failureOf(client.contract(chaincode).submitTransaction('put', 'a', 'x'));
  return failure.details.map(({ message }) => message).join('\n');
}

function folderOfNotes(): string {
  return readdirSync(join(dataDir, 'ledger/chaincode-tls/Org1MSP')).find((name) => name.startsWith('notes_')) ?? '';
}

function tlsEnv(mspId: string, owner: string): Record<string, string> {
  const place = join(dataDir, 'ledger/chaincode-tls', mspId, owner);
  return {
    CORE_PEER_TLS_ENABLED: 'true',
    CORE_PEER_TLS_ROOTCERT_FILE: join(place, 'peer.crt'),
    CORE_TLS_CLIENT_KEY_PATH: join(place, 'client.key'),
    CORE_TLS_CLIENT_CERT_PATH: join(place, 'client.crt'),
  };
}

function peerOf(mspId: string): string {
  const organisation = topology.organisations.find((candidate) => candidate.mspId === mspId);
  return `127.0.0.1:${organisation?.peer?.chaincodePort}`;
}

function dialIn(address: string, env: Record<string, string>): ChildProcess {
  const shim = join(process.cwd(), 'node_modules/fabric-shim/cli.js');
  const child = spawn(process.execPath, [shim, 'start', '--peer.address', address], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', CORE_CHAINCODE_ID_NAME: 'byhand:1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  return child;
}

/** What it says until it ends, or for some seconds. */
async function firstWords(child: ChildProcess): Promise<string> {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (text += bytes));
  await untilTrue(
    async () => text,
    (said) => /UNAVAILABLE|different chaincode/.test(said),
    15_000,
  );
  await end(child);
  return text;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
