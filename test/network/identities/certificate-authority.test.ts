import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import shim from 'fabric-shim';
import { ensureIdentities, openCertificateAuthority, organisationFolder } from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';

const DOMAIN = 'hospital-a.medledger.example';
const NOW_MS = Date.UTC(2031, 4, 6, 7, 8, 9);
const YEAR_MS = 365 * 86_400_000;

let dataDir = '';
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'authority-'));
  await ensureIdentities(localTopology(), dataDir, { nowMs: NOW_MS });
});
afterAll(() => rmSync(dataDir, { recursive: true }));

const open = () => openCertificateAuthority(dataDir, DOMAIN, { nowMs: () => NOW_MS });
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicKeySpki = spki(key.publicKey);
const doctor = { publicKeySpki, memberId: 'dr-hale', role: 'doctor', agencyId: 'ward-7', ou: 'client' } as const;

describe('issueMember', () => {
  it('certifies the key it was given, by the authority of the organisation', async () => {
    const certificate = new X509Certificate(await open().issueMember(doctor));
    const authority = new X509Certificate(
      readFileSync(join(organisationFolder(dataDir, DOMAIN), `ca/ca.${DOMAIN}-cert.pem`)),
    );
    expect(spki(certificate.publicKey).equals(publicKeySpki)).toBe(true);
    expect(certificate.checkIssued(authority) && certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.validFromDate.getTime()).toBe(NOW_MS - 5 * 60_000);
    expect(certificate.validToDate.getTime()).toBe(NOW_MS + 5 * YEAR_MS);
    expect(open().mspId).toBe('HospitalAMSP');
  });

  it('the chaincode library of Fabric reads the attributes', async () => {
    const identity = clientIdentityOf(await open().issueMember(doctor));
    expect(['memberId', 'role', 'agencyId', 'hf.EnrollmentID'].map((name) => identity.getAttributeValue(name))).toEqual(
      ['dr-hale', 'doctor', 'ward-7', 'dr-hale'],
    );
    expect(identity.getID()).toBe(`x509::/OU=client/CN=dr-hale::/O=${DOMAIN}/CN=ca.${DOMAIN}`);
  });

  it('a patient has no agency', async () => {
    const { agencyId: _, ...patient } = { ...doctor, memberId: 'p-1', role: 'patient' };
    expect(clientIdentityOf(await open().issueMember(patient)).getAttributeValue('agencyId')).toBeNull();
  });

  it('signs low-S, twenty times of twenty', async () => {
    const authority = open();
    const certificates = await Promise.all(Array.from({ length: 20 }, () => authority.issueMember(doctor)));
    const highBits = certificates.map((pem) => sOf(new X509Certificate(pem).raw) > HALF_ORDER);
    expect(highBits).toEqual(Array.from({ length: 20 }, () => false));
  });

  it('lists every serial number, also after a line cut short', async () => {
    const listPath = join(organisationFolder(dataDir, DOMAIN), 'ca/issued.jsonl');
    const first = new X509Certificate(await open().issueMember({ ...doctor, memberId: 'first' }));
    appendFileSync(listPath, '{"serialHex":"01ab');
    const second = new X509Certificate(await open().issueMember({ ...doctor, memberId: 'second' }));
    const lines = readFileSync(listPath, 'utf8').trimEnd().split('\n').slice(-3);
    expect(lines[1]).toBe('{"serialHex":"01ab');
    expect([lines[0], lines[2]].map((line) => JSON.parse(line as string))).toEqual([
      expect.objectContaining({ memberId: 'first', serialHex: first.serialNumber.toLowerCase(), role: 'doctor' }),
      expect.objectContaining({ memberId: 'second', serialHex: second.serialNumber.toLowerCase(), agencyId: 'ward-7' }),
    ]);
  });

  it('ends no later than the authority itself', async () => {
    const pem = await open().issueMember({ ...doctor, notAfterMs: NOW_MS + 100 * YEAR_MS });
    expect(new X509Certificate(pem).validToDate.getTime()).toBe(NOW_MS + 20 * YEAR_MS);
  });

  it.each([
    {
      fault: 'a key on another curve',
      change: { publicKeySpki: spki(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey) },
    },
    {
      fault: 'an RSA key',
      change: { publicKeySpki: spki(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey) },
    },
    { fault: 'bytes after the key', change: { publicKeySpki: Buffer.concat([publicKeySpki, Buffer.alloc(1)]) } },
    { fault: 'no key', change: { publicKeySpki: new Uint8Array(0) } },
    { fault: 'an id of 65 characters', change: { memberId: 'a'.repeat(65) } },
    { fault: 'an id that would add to the subject', change: { memberId: 'a,OU=admin' } },
    { fault: 'an unknown role', change: { role: 'root' } },
    { fault: 'an agency in capitals', change: { agencyId: 'Ward' } },
    { fault: 'an end in the past', change: { notAfterMs: NOW_MS } },
  ])('refuses $fault', async ({ change }) => {
    await expect(open().issueMember({ ...doctor, ...change })).rejects.toMatchObject({
      code: 'MEMBER_REQUEST_INVALID',
    });
  });
});

const HALF_ORDER = BigInt('0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8');

/** The signature is the last element of the certificate, and S the last INTEGER in it. */
function sOf(der: Uint8Array): bigint {
  const bytes = Buffer.from(der);
  for (const length of [31, 32, 33]) {
    const at = bytes.length - length;
    if (bytes[at - 2] === 0x02 && bytes[at - 1] === length) return BigInt(`0x${bytes.subarray(at).toString('hex')}`);
  }
  throw new Error('no S of 31 to 33 bytes at the end of the certificate');
}

function spki(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

function clientIdentityOf(pem: string) {
  const stub = {
    getCreator: () => ({ mspid: 'HospitalAMSP', idBytes: Buffer.from(pem) }),
    getChannelID: () => 'medledger',
    getTxID: () => 'ab',
  };
  return new shim.ClientIdentity(stub as never);
}
