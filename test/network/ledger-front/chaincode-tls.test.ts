import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ChaincodeConnection, type ChaincodeTls } from '../../../network/devledger/chaincode/chaincode-connection.js';
import {
  chaincodeFolder,
  chaincodeHost,
  ensureIdentities,
  organisationFolder,
  readTls,
  tlsPaths,
} from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';
import { freePorts } from '../../support/free-ports.js';
import { type ChaincodeProcess, startChaincode } from './chaincode-process.js';

const OWN = 'hospital-a.medledger.example';
const OTHER = 'hospital-b.medledger.example';
const READY_MS = 120_000;
/** Many times as long as a connection takes that is let in. */
const REFUSED_MS = 1_000;

let dataDir = '';
let chaincode: ChaincodeProcess;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'chaincode-tls-'));
  await ensureIdentities(localTopology(), dataDir);
  const [port = 0] = await freePorts(1);
  const tlsFolder = dirname(tlsPaths(chaincodeFolder(organisationFolder(dataDir, OWN))).key);
  chaincode = await startChaincode(port, { CHAINCODE_TLS: tlsFolder });
});
afterAll(async () => {
  await chaincode.stop();
  await rm(dataDir, { recursive: true, force: true });
});

function tlsOfPeer(domain: string): ChaincodeTls {
  const tls = readTls(dataDir, domain, { kind: 'peer', host: `peer0.${domain}` });
  return { ...tls, caPem: ownAuthority(), serverName: chaincodeHost(OWN) };
}

function ownAuthority(): string {
  return readTls(dataDir, OWN, { kind: 'chaincode' }).caPem;
}

async function isServed(tls: ChaincodeTls | undefined, withinMs: number): Promise<boolean> {
  const connection = new ChaincodeConnection({
    chaincodeName: 'test',
    address: `127.0.0.1:${chaincode.port}`,
    log: pino({ level: 'silent' }),
    ...(tls === undefined ? {} : { tls }),
  });
  try {
    await connection.whenReady(withinMs);
    return true;
  } catch {
    return false;
  } finally {
    connection.stop();
  }
}

describe('a chaincode service with TLS', () => {
  it('serves the peer of its organisation', async () => {
    expect(await isServed(tlsOfPeer(OWN), READY_MS)).toBe(true);
  });

  it('serves nobody without a certificate, or with another organisation’s', async () => {
    expect(await isServed(undefined, REFUSED_MS)).toBe(false);
    expect(await isServed(tlsOfPeer(OTHER), REFUSED_MS)).toBe(false);
  });

  it('is not taken for the service by a peer that expects another name', async () => {
    expect(await isServed({ ...tlsOfPeer(OWN), serverName: chaincodeHost(OTHER) }, REFUSED_MS)).toBe(false);
  });
});
