import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import { startControlServer } from '../../../network/devledger/operations/control-server.js';
import type { LedgerTopology } from '../../../network/topology.js';
import { untilTrue } from '../../support/eventually.js';
import { decode, failureOf } from '../ledger-front/front-client.js';
import { type StrangerClient, strangerClient, twoOrganisations, writeChaincode } from './stranger.js';

const EITHER = "OR('Org1MSP.peer','Org2MSP.peer')";

let dataDir: string;
let folder: string;
let topology: LedgerTopology;
let ledger: DevLedger;
let client: StrangerClient;
const logged: { msg: string; [field: string]: unknown }[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'start-dev-ledger-'));
  folder = join(dataDir, 'notes');
  writeChaincode(folder);
  topology = await twoOrganisations();
  await start({ chaincodes: [{ name: 'notes', version: '1.0', folder }] });
});

afterAll(async () => {
  client.close();
  await ledger.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

describe('a chaincode from a folder', () => {
  it('is built, run and called by a client that knows the files of the test network only', async () => {
    const notes = client.contract('notes');
    await notes.submitTransaction('put', 'a', 'first');
    expect(decode(await notes.evaluateTransaction('get', 'a'))).toBe('first');
    expect(ledger.chaincodes()).toEqual([{ name: 'notes', version: '1.0', sequence: 1 }]);
  });

  it('needs both organisations, as nobody said otherwise', async () => {
    await ledger.stopPeer('Org2MSP');
    const failure = await failureOf(client.contract('notes').submitTransaction('put', 'b', 'x'));
    expect(failure.message).toMatch(/no combination of peers can be derived/);
    expect(await ledger.startPeer('Org2MSP')).toBe(true);
  });

  it('that dies is started again, and the log says how it ended', async () => {
    const notes = client.contract('notes');
    await failureOf(notes.evaluateTransaction('die'));
    const ends = async () => logged.filter(({ msg }) => msg.startsWith('chaincode ended')).map(({ how }) => how);
    await untilTrue(ends, (found) => found.includes('status 7'));
    await untilTrue(
      () => get('a'),
      (value) => value === 'first',
    );
  });
});

describe('the next definition', () => {
  it('is refused when it leaves a sequence out or has a bad policy', async () => {
    const request = { name: 'notes', version: '2.0', folder };
    await expect(ledger.deploy({ ...request, sequence: 3 })).rejects.toThrow(/new definition must be sequence 2/);
    await expect(ledger.deploy({ ...request, policy: 'all' })).rejects.toThrow(/^POLICY_INVALID/);
    expect(ledger.chaincodes()).toEqual([{ name: 'notes', version: '1.0', sequence: 1 }]);
  });

  it('is in force once it is deployed: by its policy one organisation is enough', async () => {
    const { sequence, isNew } = await ledger.deploy({ name: 'notes', version: '2.0', folder, policy: EITHER });
    expect({ sequence, isNew }).toEqual({ sequence: 2, isNew: true });
    await ledger.stopPeer('Org2MSP');
    await client.contract('notes').submitTransaction('put', 'a', 'while Org2 was away');
    // What one organisation was enough for stays valid, also for a peer that comes to it under a stricter definition.
    await ledger.deploy({ name: 'notes', version: '3.0', folder });
    await ledger.startPeer('Org2MSP');
    const atOrg2 = { arguments: ['a'], endorsingOrganizations: ['Org2MSP'] };
    const value = async () => decode(await client.contract('notes').evaluate('get', atOrg2));
    await untilTrue(value, (found) => found === 'while Org2 was away');
    expect(new Set(ledger.heights().values()).size).toBe(1);
  });

  it('outlives the process', async () => {
    const heights = ledger.heights();
    client.close();
    await ledger.stop();
    await start({});
    expect(ledger.heights()).toEqual(heights);
    expect(ledger.chaincodes()).toEqual([{ name: 'notes', version: '3.0', sequence: 3 }]);
    await untilTrue(
      () => get('a'),
      (value) => value === 'while Org2 was away',
    );
    await client.contract('notes').submitTransaction('put', 'a', 'after the restart');
  });
});

describe('the operations port of a peer', () => {
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${topology.organisations[0]?.peer?.operationsPort}${path}`);
    return { status: response.status, text: await response.text() };
  };

  it("answers as Fabric's peers do", async () => {
    expect(JSON.parse((await ask('/healthz')).text).status).toBe('OK');
    expect(JSON.parse((await ask('/version')).text).Version).toBe('3.1-devledger');
    const { text } = await ask('/metrics');
    expect(text).toContain(`ledger_blockchain_height{channel="mychannel"} ${ledger.heights().get('Org1MSP')}`);
    expect(text).toMatch(/ledger_transaction_count\{.*chaincode="notes:3.0",validation_code="VALID"\} 1/);
    expect(text).toMatch(
      /grpc_server_unary_requests_completed\{service="gateway_Gateway",method="Submit",code="OK"\} 1/,
    );
    expect((await ask('/elsewhere')).status).toBe(404);
  });

  it.each([
    { body: '{"spec":"debug"}', status: 204, spec: 'debug' },
    { body: '{"spec":"loud"}', status: 400, spec: 'debug' },
    { body: '{"spec":"gossip=debug:info"}', status: 400, spec: 'debug' },
    { body: '{"spec":"info"}', status: 204, spec: 'info' },
  ])('a log specification $body is answered with $status', async ({ body, status, spec }) => {
    const url = `http://127.0.0.1:${topology.organisations[0]?.peer?.operationsPort}/logspec`;
    expect((await fetch(url, { method: 'PUT', body })).status).toBe(status);
    expect(JSON.parse((await ask('/logspec')).text)).toEqual({ spec });
  });
});

describe('the control server', () => {
  it('answers who knows the secret, which only its owner can read', async () => {
    const control = await startControlServer(dataDir, ledger);
    try {
      const path = join(dataDir, 'ledger/control.json');
      expect(statSync(path).mode & 0o077).toBe(0);
      const { url, token } = JSON.parse(readFileSync(path, 'utf8'));
      const statusWith = async (bearer: string) =>
        (await fetch(`${url}/status`, { headers: { Authorization: `Bearer ${bearer}` } })).status;
      expect(await statusWith(token)).toBe(200);
      expect(await statusWith(token.replace(/.$/, 'x'))).toBe(401);
    } finally {
      await control.stop();
    }
  });
});

/** A failure of the moment, such as a chaincode that is not back yet, is no value. */
async function get(key: string): Promise<string | undefined> {
  try {
    return decode(await client.contract('notes').evaluateTransaction('get', key));
  } catch {
    return undefined;
  }
}

async function start(more: Pick<Parameters<typeof startDevLedger>[0], 'chaincodes'>): Promise<void> {
  const lines = new Writable({
    write: (chunk, _encoding, done) => {
      logged.push(JSON.parse(chunk.toString('utf8')));
      done();
    },
  });
  ledger = await startDevLedger({ topology, dataDir, operations: true, log: pino({ level: 'info' }, lines), ...more });
  const endpoint = ledger.endpoints.find(({ mspId }) => mspId === 'Org1MSP') ?? { address: '', host: '' };
  client = strangerClient(dataDir, endpoint);
}
