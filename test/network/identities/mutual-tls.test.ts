import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ensureIdentities,
  organisationByTlsCertificate,
  readTls,
  tlsCaBundle,
} from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';

const topology = localTopology();
const HOSPITAL_A = 'hospital-a.medledger.example';
const INSURER = 'insurer.medledger.example';
let dataDir = '';
let strangerDir = '';

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'mutual-tls-'));
  strangerDir = mkdtempSync(join(tmpdir(), 'mutual-tls-'));
  await ensureIdentities(topology, dataDir);
  await ensureIdentities(topology, strangerDir);
});
afterAll(() => {
  rmSync(dataDir, { recursive: true });
  rmSync(strangerDir, { recursive: true });
});

describe('gateways over mutual TLS', () => {
  it('the server knows which organisation calls', async () => {
    expect(await callHospitalA(dataDir)).toEqual({ caller: 'InsurerMSP' });
  });

  it('a certificate by another network is refused in the handshake', async () => {
    expect(await callHospitalA(strangerDir)).toEqual({ refused: true });
  });

  it('a name in a certificate is not proof: only the authority that signed is', () => {
    const identify = organisationByTlsCertificate(strangerDir, topology);
    const { certificatePem } = readTls(dataDir, HOSPITAL_A, { kind: 'gateway' });
    expect(identify(derOf(certificatePem))).toBeUndefined();
  });
});

async function callHospitalA(callerDir: string): Promise<{ caller: string | undefined } | { refused: true }> {
  const own = readTls(dataDir, HOSPITAL_A, { kind: 'gateway' });
  const ca = tlsCaBundle(dataDir, topology);
  const identify = organisationByTlsCertificate(dataDir, topology);
  const server = createServer({
    cert: own.certificatePem,
    key: own.keyPem,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const accepted = new Promise<{ caller: string | undefined } | { refused: true }>((resolve) => {
    server.once('secureConnection', (socket: TLSSocket) => {
      resolve({ caller: identify(socket.getPeerCertificate().raw)?.mspId });
      socket.end();
    });
    server.once('tlsClientError', () => resolve({ refused: true }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const caller = readTls(callerDir, INSURER, { kind: 'gateway' });
  const client = connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    servername: `gateway.${HOSPITAL_A}`,
    cert: caller.certificatePem,
    key: caller.keyPem,
    ca,
  });
  client.on('error', () => client.destroy());
  client.resume();
  const answer = await accepted;
  client.destroy();
  server.close();
  return answer;
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
}
