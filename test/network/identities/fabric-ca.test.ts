import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { msp } from '@hyperledger/fabric-protos';
import { Pkcs10CertificateRequest, X509Crl } from '@peculiar/x509';
import { signLowS } from '../../../network/devledger/low-s.js';
import { MspRegistry } from '../../../network/devledger/msp.js';
import { certificateRequest, type RequestedKey } from '../../../network/identities/fabric-ca/certificate-request.js';
import {
  ensureIdentities,
  FABRIC_ATTRIBUTES_OID,
  type FabricCa,
  type FabricCaRegistrar,
  fabricCaIssuer,
  type Identity,
  memberIssuer,
  mspDefinitions,
  openFabricCa,
  organisationByTlsCertificate,
  readIdentity,
  readPeerIdentity,
  readTls,
} from '../../../network/identities/index.js';
import { localTopology, type Topology } from '../../../network/topology.js';
import { type FabricCaServer, startFabricCa } from './fabric-ca-server.js';

const BIN = process.env.FABRIC_CA_BIN ?? '';

function newKey(): RequestedKey & { readonly privateKey: KeyObject } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeySpki = createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).export({
    type: 'spki',
    format: 'der',
  });
  return { privateKey, publicKeySpki, sign: async (bytes) => signLowS(privateKey, bytes) };
}

describe('certificateRequest', () => {
  it('names the holder and is signed with the key it asks for', async () => {
    const request = new Pkcs10CertificateRequest(await certificateRequest('doctor-a', newKey()));
    expect(request.subject).toBe('CN=doctor-a');
    expect(await request.verify()).toBe(true);
  });

  it('is not good with the signature of another key', async () => {
    const stranger = newKey();
    const pem = await certificateRequest('doctor-a', { ...newKey(), sign: stranger.sign });
    expect(await new Pkcs10CertificateRequest(pem).verify()).toBe(false);
  });
});

let server: FabricCaServer;
let ca: FabricCa;
let registrar: FabricCaRegistrar;
let authorityPem: string;

function issue(memberId: string, key: RequestedKey): Promise<string> {
  const issuer = fabricCaIssuer({ mspId: 'HospitalAMSP', ca, registrar });
  return issuer.issueMember({ memberId, role: 'doctor', agencyId: 'hospital-a', ou: 'client', ...key });
}

function identityOf(certificatePem: string) {
  const registry = new MspRegistry([{ mspId: 'HospitalAMSP', caCertPems: [authorityPem] }]);
  return registry.identity(serializedOf('HospitalAMSP', certificatePem));
}

function serializedOf(mspId: string, certificatePem: string): Uint8Array {
  const serialized = new msp.SerializedIdentity();
  serialized.setMspid(mspId);
  serialized.setIdBytes(Buffer.from(certificatePem));
  return serialized.serializeBinary();
}

function describeServer(): void {
  beforeAll(async () => {
    server = await startFabricCa(join(BIN, 'fabric-ca-server'));
    ca = openFabricCa({ url: server.url, tlsRootPem: server.tlsRootPem });
    const key = newKey();
    const enrolled = await ca.enroll({ ...server.admin, key });
    authorityPem = enrolled.authorityPem;
    registrar = { certificatePem: enrolled.certificatePem, sign: key.sign };
  });
  afterAll(() => server?.stop());

  describe('gives', describeGiven);
  describe('makes the folder of an organisation', describeFolder);
  describe('refuses', describeRefused);
}

function describeGiven(): void {
  it('enrols a peer: an identity that the ledger takes for a peer, and a TLS certificate for its host', async () => {
    const host = 'peer0.hospital-a.medledger.example';
    await ca.register(registrar, { id: host, type: 'peer', secret: 'secret-of-peer' });
    const identity = await ca.enroll({ id: host, secret: 'secret-of-peer', key: newKey() });
    expect(identityOf(identity.certificatePem).ou).toBe('peer');
    const tlsHosts = [host, 'localhost', '127.0.0.1'];
    const tls = await ca.enroll({ id: host, secret: 'secret-of-peer', key: newKey(), tlsHosts });
    const certificate = new X509Certificate(tls.certificatePem);
    expect(certificate.checkHost(host)).toBe(host);
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.verify(new X509Certificate(authorityPem).publicKey)).toBe(true);
  });

  it('certifies a member over its own key, with the attributes that the chaincode reads', async () => {
    const key = newKey();
    const pem = await issue('doctor-a', key);
    const certificate = new X509Certificate(pem);
    expect(certificate.publicKey.export({ type: 'spki', format: 'der' }).equals(key.publicKeySpki)).toBe(true);
    expect(identityOf(pem).ou).toBe('client');
    expect(attributesOf(pem)).toMatchObject({
      memberId: 'doctor-a',
      role: 'doctor',
      agencyId: 'hospital-a',
      'hf.EnrollmentID': 'doctor-a',
    });
  });

  it('a list of what was taken back, whose holder enrols no more', whatIsTakenBack);
}

function describeFolder(): void {
  let dataDir: string;
  let topology: Topology;
  const domain = 'hospital-a.medledger.example';
  const host = `peer0.${domain}`;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'fabric-ca-folder-'));
    const [secretFile, tlsRootFile] = [join(dataDir, 'secret'), join(dataDir, 'tls-root.pem')];
    writeFileSync(secretFile, `${server.admin.secret}\n`);
    writeFileSync(tlsRootFile, server.tlsRootPem);
    const fabricCa = { url: server.url, tlsRootFile, admin: { id: server.admin.id, secretFile } };
    const local = localTopology(20_000);
    const organisations = local.organisations.map((member) =>
      member.mspId === 'HospitalAMSP' ? { ...member, fabricCa } : member,
    );
    topology = { ...local, organisations };
  });
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

  it('that the ledger and the gateway read like any other', async () => {
    await ensureIdentities(renamed(topology), dataDir);
    const registry = new MspRegistry(mspDefinitions(dataDir, topology, { includeOrderer: false }));
    const ouOf = ({ mspId, certificatePem }: Identity) => registry.identity(serializedOf(mspId, certificatePem)).ou;
    expect(ouOf(readIdentity(dataDir, domain, 'Admin'))).toBe('admin');
    expect(ouOf(readIdentity(dataDir, domain, 'Custodian'))).toBe('client');
    expect(ouOf(readPeerIdentity(dataDir, domain, `new-${host}`))).toBe('peer');
    const { certificatePem } = readTls(dataDir, domain, { kind: 'gateway' });
    const organisationOf = organisationByTlsCertificate(dataDir, topology);
    expect(organisationOf(new X509Certificate(certificatePem).raw)?.mspId).toBe('HospitalAMSP');
  });

  it('again: every certificate stays', async () => {
    const before = readIdentity(dataDir, domain, 'Admin').certificatePem;
    await ensureIdentities(renamed(topology), dataDir);
    expect(readIdentity(dataDir, domain, 'Admin').certificatePem).toBe(before);
  });

  it('whose gateway certifies members there', async () => {
    const [member] = topology.organisations;
    if (member === undefined) throw new Error('there is an organisation');
    const pem = await memberIssuer(dataDir, member).issueMember({
      memberId: 'patient-of-ca',
      role: 'patient',
      ou: 'client',
      ...newKey(),
    });
    expect(attributesOf(pem)).toMatchObject({ memberId: 'patient-of-ca', role: 'patient' });
    expect(identityOf(pem).ou).toBe('client');
  });
}

/** The name of the peer itself was given to an earlier one. */
function renamed(topology: Topology): Topology {
  const organisations = topology.organisations.map((member) =>
    member.fabricCa === undefined || member.peer === undefined
      ? member
      : { ...member, peer: { ...member.peer, host: `new-${member.peer.host}` } },
  );
  return { ...topology, organisations };
}

async function whatIsTakenBack(): Promise<void> {
  await ca.register(registrar, { id: 'leaver', type: 'client', secret: 'secret' });
  const { certificatePem } = await ca.enroll({ id: 'leaver', secret: 'secret', key: newKey() });
  const serial = BigInt(`0x${new X509Certificate(certificatePem).serialNumber}`);
  const serials = async () =>
    new X509Crl(await ca.revocationList(registrar)).entries.map(({ serialNumber }) => BigInt(`0x${serialNumber}`));
  expect(await serials()).not.toContain(serial);
  await ca.revoke(registrar, 'leaver');
  expect(await serials()).toContain(serial);
  await expect(ca.enroll({ id: 'leaver', secret: 'secret', key: newKey() })).rejects.toThrow(/^CA_REFUSED: /);
}

function describeRefused(): void {
  it('a name that is taken, a wrong secret and somebody who is no registrar, in the words of the server', async () => {
    await expect(issue('doctor-a', newKey())).rejects.toThrow(/^CA_REFUSED: .* is already registered/);
    await expect(ca.enroll({ id: 'doctor-a', secret: 'wrong', key: newKey() })).rejects.toThrow(
      /^CA_REFUSED: .*Authentication failure/,
    );
    const key = newKey();
    const nurse = { certificatePem: await issue('nurse-a', key), sign: key.sign };
    const registration = { id: 'nurse-b', type: 'client' as const, secret: 'x' };
    await expect(ca.register(nurse, registration)).rejects.toThrow(/^CA_REFUSED: /);
    await expect(ca.register({ ...registrar, sign: key.sign }, registration)).rejects.toThrow(/^CA_REFUSED: /);
  });

  it('a server that is not there is told by its address', async () => {
    const nowhere = openFabricCa({ url: 'https://127.0.0.1:9' });
    await expect(nowhere.enroll({ id: 'a', secret: 'b', key: newKey() })).rejects.toThrow(
      /^CA_UNREACHABLE: https:\/\/127\.0\.0\.1:9 does not answer/,
    );
  });

  it('a server whose certificate is by another authority is not talked to', async () => {
    const stranger = openFabricCa({ url: server.url });
    await expect(stranger.enroll({ ...server.admin, key: newKey() })).rejects.toThrow(/^CA_UNREACHABLE: /);
  });
}

function attributesOf(pem: string): Record<string, string> {
  const der = new X509Certificate(pem).raw.toString('latin1');
  const at = der.indexOf('{"attrs":');
  expect(FABRIC_ATTRIBUTES_OID).toBe('1.2.3.4.5.6.7.8.1');
  const { attrs } = JSON.parse(der.slice(at, der.indexOf('}}', at) + 2)) as { attrs: Record<string, string> };
  return attrs;
}

if (BIN === '')
  it.skip('a real Fabric CA server: set FABRIC_CA_BIN to the folder of fabric-ca-server', () => undefined);
else describe('a real Fabric CA server', describeServer);
