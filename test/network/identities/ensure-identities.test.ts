import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ensureIdentities, organisationFolder, readIdentity, readTls } from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';

const topology = localTopology();
const HOSPITAL_A = 'hospital-a.medledger.example';
const INSURER = 'insurer.medledger.example';
const DAY_MS = 86_400_000;

let pristineDir = '';
let dataDir = '';

beforeAll(async () => {
  pristineDir = mkdtempSync(join(tmpdir(), 'identities-'));
  await ensureIdentities(topology, pristineDir);
});
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'identities-'));
  cpSync(pristineDir, dataDir, { recursive: true, preserveTimestamps: true });
});
afterEach(() => rmSync(dataDir, { recursive: true }));
afterAll(() => rmSync(pristineDir, { recursive: true }));

describe('ensureIdentities: what it makes', () => {
  it('the folder of a member with a peer is laid out as in the test network of Fabric', () => {
    expect(filesOf(organisationFolder(dataDir, HOSPITAL_A))).toEqual(
      [
        `ca/ca.${HOSPITAL_A}-cert.pem`,
        'ca/priv_sk',
        ...['chaincode', 'gateway'].flatMap((owner) =>
          ['ca.crt', 'server.crt', 'server.key'].map((name) => `${owner}/tls/${name}`),
        ),
        ...mspFiles('msp').filter((path) => !/keystore|signcerts/.test(path)),
        'organisation.json',
        ...mspFiles(`peers/peer0.${HOSPITAL_A}/msp`, `peer0.${HOSPITAL_A}`),
        ...['ca.crt', 'server.crt', 'server.key'].map((name) => `peers/peer0.${HOSPITAL_A}/tls/${name}`),
        'tlsca/priv_sk',
        `tlsca/tlsca.${HOSPITAL_A}-cert.pem`,
        ...['Admin', 'Custodian', 'Registrar'].flatMap((user) =>
          mspFiles(`users/${user}@${HOSPITAL_A}/msp`, `${user}@${HOSPITAL_A}`),
        ),
      ].sort(),
    );
  });

  it('a client organisation has a gateway, no peer and no chaincode service', () => {
    const top = readdirSync(organisationFolder(dataDir, INSURER));
    expect(top).toContain('gateway');
    expect(top).not.toContain('peers');
    expect(top).not.toContain('chaincode');
  });

  it('NodeOUs name the certificate authority of the same folder', () => {
    const yaml = readFileSync(join(organisationFolder(dataDir, HOSPITAL_A), 'msp', 'config.yaml'), 'utf8');
    expect(yaml).toContain('NodeOUs:\n  Enable: true\n');
    expect(yaml).toContain(
      `  PeerOUIdentifier:\n    Certificate: cacerts/ca.${HOSPITAL_A}-cert.pem\n    OrganizationalUnitIdentifier: peer\n`,
    );
  });
});

describe('ensureIdentities: keys and certificates', () => {
  it('every private key is readable by its owner alone, in PKCS#8', () => {
    const keys = filesOf(dataDir).filter((path) => /priv_sk$|\.key$/.test(path));
    expect(keys).toHaveLength(4 * 2 + 2 + 3 * 3 + 4 * 3 + 4 + 3 * 2 + 1);
    for (const path of keys) {
      expect({ path, mode: statSync(join(dataDir, path)).mode & 0o777 }).toEqual({ path, mode: 0o600 });
      expect(readFileSync(join(dataDir, path), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    }
  });

  it('every certificate is issued by the authority of its own organisation, low-S, and by no other', () => {
    const authorities = filesOf(dataDir).filter((path) => /\/(ca|tlsca)\/.*-cert\.pem$/.test(path));
    expect(authorities).toHaveLength(10);
    const certificates = filesOf(dataDir).filter((path) => /signcerts\/|server\.crt$/.test(path));
    expect(certificates).toHaveLength(3 + 4 * 3 + 3 + 1 + 3 + 4 + 3 + 3);
    for (const path of certificates) {
      const certificate = readCertificateAt(path);
      const kind = path.endsWith('server.crt') ? 'tlsca' : 'ca';
      const issuers = authorities.filter((authority) => certificate.verify(readCertificateAt(authority).publicKey));
      const organisation = path.split('/').slice(0, 3).join('/');
      expect(issuers).toEqual([`${organisation}/${kind}/${kind}.${organisation.split('/')[2]}-cert.pem`]);
      expect(certificate.checkIssued(readCertificateAt(issuers[0] as string))).toBe(true);
      expect(certificate.ca).toBe(false);
    }
  });

  it.each([
    { path: `peers/peer0.${HOSPITAL_A}/msp/signcerts/peer0.${HOSPITAL_A}-cert.pem`, unit: 'peer' },
    { path: `users/Admin@${HOSPITAL_A}/msp/signcerts/Admin@${HOSPITAL_A}-cert.pem`, unit: 'admin' },
    { path: `users/Custodian@${HOSPITAL_A}/msp/signcerts/Custodian@${HOSPITAL_A}-cert.pem`, unit: 'client' },
    { path: `users/Registrar@${HOSPITAL_A}/msp/signcerts/Registrar@${HOSPITAL_A}-cert.pem`, unit: 'client' },
  ])('$path has the organisational unit $unit', ({ path, unit }) => {
    const certificate = new X509Certificate(readFileSync(join(organisationFolder(dataDir, HOSPITAL_A), path)));
    expect(certificate.subject.split('\n')).toContain(`OU=${unit}`);
  });

  it('TLS certificates name their host and the loopback, and serve both ends', () => {
    const { certificatePem } = readTls(dataDir, INSURER, { kind: 'gateway' });
    const certificate = new X509Certificate(certificatePem);
    expect(certificate.checkHost(`gateway.${INSURER}`)).toBeDefined();
    expect(certificate.checkHost('localhost')).toBeDefined();
    expect(certificate.checkIP('127.0.0.1')).toBeDefined();
    expect(certificate.checkHost(`gateway.${HOSPITAL_A}`)).toBeUndefined();
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  });
});

describe('ensureIdentities: run again', () => {
  it('changes nothing', async () => {
    const before = snapshot();
    await ensureIdentities(topology, dataDir);
    expect(snapshot()).toEqual(before);
  });

  it('completes a half-made folder and leaves the rest', async () => {
    const folder = organisationFolder(dataDir, HOSPITAL_A);
    const before = snapshot();
    const lost = [`peers/peer0.${HOSPITAL_A}`, `users/Custodian@${HOSPITAL_A}/msp/signcerts`, 'msp'];
    for (const path of lost) rmSync(join(folder, path), { recursive: true });
    await ensureIdentities(topology, dataDir);
    expect(Object.keys(snapshot())).toEqual(Object.keys(before));
    const isLost = ([path]: [string, string]) => lost.some((name) => path.includes(`${HOSPITAL_A}/${name}/`));
    const kept = Object.fromEntries(Object.entries(before).filter((entry) => !isLost(entry)));
    expect(snapshot()).toMatchObject(kept);
    expect(readIdentity(dataDir, HOSPITAL_A, 'Custodian').mspId).toBe('HospitalAMSP');
  });

  it('a certificate without its key is made anew with a key', async () => {
    const keyPath = join(organisationFolder(dataDir, HOSPITAL_A), `users/Registrar@${HOSPITAL_A}/msp/keystore/priv_sk`);
    rmSync(keyPath);
    await ensureIdentities(topology, dataDir);
    const { certificatePem, privateKey } = readIdentity(dataDir, HOSPITAL_A, 'Registrar');
    expect(new X509Certificate(certificatePem).checkPrivateKey(privateKey)).toBe(true);
  });

  it('a key that others could read is closed again', async () => {
    const keyPath = join(organisationFolder(dataDir, HOSPITAL_A), 'ca/priv_sk');
    chmodSync(keyPath, 0o644);
    await ensureIdentities(topology, dataDir);
    expect(statSync(keyPath).mode & 0o777).toBe(0o600);
  });

  it.each([
    { left: '61 days', afterMs: (2 * 365 - 61) * DAY_MS, renewed: false },
    { left: '59 days', afterMs: (2 * 365 - 59) * DAY_MS, renewed: true },
  ])('with $left left, a certificate is renewed over the same key: $renewed', async ({ afterMs, renewed }) => {
    const before = readIdentity(dataDir, HOSPITAL_A, 'Registrar');
    await ensureIdentities(topology, dataDir, { nowMs: Date.now() + afterMs });
    const after = readIdentity(dataDir, HOSPITAL_A, 'Registrar');
    expect(after.certificatePem !== before.certificatePem).toBe(renewed);
    expect(after.privateKey.equals(before.privateKey)).toBe(true);
  });
});

describe('ensureIdentities: what it refuses', () => {
  const foreignKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const foreignPem = foreignKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  it.each([
    {
      fault: 'a damaged authority certificate',
      path: `ca/ca.${HOSPITAL_A}-cert.pem`,
      text: 'x',
      says: 'is not a certificate',
    },
    { fault: 'a damaged authority key', path: 'tlsca/priv_sk', text: 'x', says: 'is not a private key' },
    { fault: 'the key of somebody else', path: 'ca/priv_sk', text: foreignPem, says: 'does not belong to the key' },
    {
      fault: 'an authority without its key',
      path: 'ca/priv_sk',
      text: undefined,
      says: 'is missing while its certificate',
    },
  ])('$fault, in one sentence that names the file', async ({ path, text, says }) => {
    const damaged = join(organisationFolder(dataDir, HOSPITAL_A), path);
    if (text === undefined) rmSync(damaged);
    else writeFileSync(damaged, text);
    await expect(ensureIdentities(topology, dataDir)).rejects.toMatchObject({
      code: 'IDENTITIES_UNREADABLE',
      message: expect.stringMatching(
        new RegExp(`^IDENTITIES_UNREADABLE: [^\\n]*${says}[^\\n]*; restore it [^\\n]*\\.$`),
      ),
    });
  });

  it('a certificate by the authority of another organisation', async () => {
    const file = 'users/Admin@ORG/msp';
    const [a, b] = [HOSPITAL_A, INSURER].map((domain) =>
      join(organisationFolder(dataDir, domain), file.replace('ORG', domain)),
    ) as [string, string];
    cpSync(join(b, `signcerts/Admin@${INSURER}-cert.pem`), join(a, `signcerts/Admin@${HOSPITAL_A}-cert.pem`));
    cpSync(join(b, 'keystore/priv_sk'), join(a, 'keystore/priv_sk'));
    await expect(ensureIdentities(topology, dataDir)).rejects.toThrow('was not issued by the certificate authority');
  });
});

function mspFiles(folder: string, name = ''): string[] {
  return [
    `cacerts/ca.${HOSPITAL_A}-cert.pem`,
    'config.yaml',
    'keystore/priv_sk',
    `signcerts/${name}-cert.pem`,
    `tlscacerts/tlsca.${HOSPITAL_A}-cert.pem`,
  ].map((path) => `${folder}/${path}`);
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function snapshot(): Record<string, string> {
  const entries = filesOf(dataDir).map((path) => {
    const { mtimeMs, mode } = statSync(join(dataDir, path));
    return [path, `${mtimeMs} ${mode} ${readFileSync(join(dataDir, path), 'utf8')}`];
  });
  return Object.fromEntries(entries);
}

function readCertificateAt(path: string): X509Certificate {
  return new X509Certificate(readFileSync(join(dataDir, path)));
}
