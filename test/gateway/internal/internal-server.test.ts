import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import pino from 'pino';
import { sealDeposit, openDeposit, type SealedDeposit } from '../../../gateway/custody/deposit.js';
import { generateHpkeKeyPair } from '../../../gateway/custody/hpke.js';
import { SHARE_SIZE_BYTES } from '../../../gateway/custody/key-shares.js';
import { connectInternal } from '../../../gateway/internal/internal-client.js';
import { buildInternalServer } from '../../../gateway/internal/internal-server.js';
import {
  ensureIdentities,
  organisationByTlsCertificate,
  readTls,
  tlsCaBundle,
  type TlsOwner,
} from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';

const topology = localTopology();
const DOMAIN = 'hospital-a.medledger.example';
const CUSTODIAN = 'HospitalAMSP';
const keys = generateHpkeKeyPair();
const received: SealedDeposit[] = [];
let dataDir = '';
let server: FastifyInstance;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'internal-server-'));
  await ensureIdentities(topology, dataDir);
  const identify = organisationByTlsCertificate(dataDir, topology);
  const notAsked = () => Promise.reject(new Error('not asked'));
  server = buildInternalServer({
    api: {
      depositShares: async (deposit) => void received.push(deposit),
      releaseShares: notAsked,
      attest: notAsked,
      storeObjects: notAsked,
      readObject: notAsked,
      vaultAddresses: notAsked,
    },
    tls: { ...readTls(dataDir, DOMAIN, { kind: 'gateway' }), caPem: tlsCaBundle(dataDir, topology) },
    organisationOf: (certificateDer) => identify(certificateDer)?.mspId,
    logger: pino({ level: 'silent' }) as FastifyBaseLogger,
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.close();
  rmSync(dataDir, { recursive: true });
});

function connectAs(domain: string, owner: TlsOwner) {
  return connectInternal({
    host: '127.0.0.1',
    port: (server.server.address() as AddressInfo).port,
    serverName: `gateway.${DOMAIN}`,
    tls: { ...readTls(dataDir, domain, owner), caPem: tlsCaBundle(dataDir, topology) },
    timeoutMs: 5000,
  });
}

/** Brings a deposit as the insurer's gateway, whoever the deposit says it is by. */
async function bringAsInsurer(depositor: string): Promise<SealedDeposit> {
  const place = { patientId: 'p-1', recordId: '0a'.repeat(17), version: 1, ciphertextSha256: 'ab'.repeat(32) };
  const shares = [{ ...place, share: new Uint8Array(SHARE_SIZE_BYTES) }];
  const channel = topology.channel;
  const deposit = await sealDeposit({ recipient: keys.publicKey, channel, custodian: CUSTODIAN, depositor, shares });
  const client = connectAs('insurer.medledger.example', { kind: 'gateway' });
  try {
    await client.depositShares(deposit);
  } finally {
    client.close();
  }
  const [last] = received.slice(-1);
  if (last === undefined) throw new Error('nothing arrived');
  return last;
}

const opened = (deposit: SealedDeposit) =>
  openDeposit({ privateKey: keys.privateKey, channel: topology.channel, custodian: CUSTODIAN, deposit });

it('says of a deposit that it is by the organisation of the client certificate', async () => {
  const deposit = await bringAsInsurer('InsurerMSP');
  expect(deposit.depositor).toBe('InsurerMSP');
  expect(await opened(deposit)).toMatchObject([{ depositor: 'InsurerMSP', patientId: 'p-1' }]);
});

it('a deposit in the name of another organisation, or of another one passed on, opens nowhere', async () => {
  const deposit = await bringAsInsurer('HospitalBMSP');
  expect(deposit.depositor).toBe('InsurerMSP');
  await expect(opened(deposit)).rejects.toMatchObject({ code: 'CIPHERTEXT_INVALID' });
});

describe('the certificate of a peer', () => {
  const [own, other] = ['hospital-a.medledger.example', 'hospital-b.medledger.example'].map((domain) => ({
    domain,
    owner: { kind: 'peer', host: `peer0.${domain}` } as const,
  }));

  it.each([
    { whose: 'of the organisation itself', peer: own },
    { whose: 'of another organisation', peer: other },
  ])('$whose opens no internal door', async ({ peer }) => {
    if (peer === undefined) throw new Error('there are two');
    const client = connectAs(peer.domain, peer.owner);
    const before = received.length;
    await expect(client.vaultAddresses()).rejects.toMatchObject({ code: 'CALLER_UNKNOWN' });
    await expect(client.depositShares({ depositor: '', enc: new Uint8Array(), items: [] })).rejects.toMatchObject({
      code: 'CALLER_UNKNOWN',
    });
    client.close();
    expect(received).toHaveLength(before);
  });
});
