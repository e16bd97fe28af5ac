import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { msp } from '@hyperledger/fabric-protos';
import { MspRegistry } from '../../../network/devledger/msp.js';
import {
  ensureIdentities,
  mspDefinitions,
  openCertificateAuthority,
  organisationFolder,
  readRevocations,
  revokeCertificate,
} from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';

const DOMAIN = 'hospital-a.medledger.example';
const OTHER_DOMAIN = 'hospital-b.medledger.example';
const topology = localTopology();

let dataDir = '';
let listPath = '';
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'revocations-'));
  listPath = join(organisationFolder(dataDir, DOMAIN), `msp/crls/crl.${DOMAIN}.pem`);
  await ensureIdentities(topology, dataDir);
});
afterAll(() => rmSync(dataDir, { recursive: true }));

/** A second reader, where the machine has it. */
const itWithOpenssl = spawnSync('openssl', ['version']).status === 0 ? it : it.skip;

let members = 0;
function issue(): Promise<string> {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  members += 1;
  return openCertificateAuthority(dataDir, DOMAIN).issueMember({
    publicKeySpki: publicKey.export({ format: 'der', type: 'spki' }),
    memberId: `member-${members}`,
    role: 'doctor',
    ou: 'client',
  });
}

describe('revokeCertificate', () => {
  it('an authority that took nothing back has no list', () => {
    expect(readRevocations(dataDir, OTHER_DOMAIN)).toEqual([]);
  });

  it('keeps every certificate taken back, each once', async () => {
    const certificates = await Promise.all([issue(), issue()]);
    for (const certificate of [...certificates, ...certificates]) {
      await revokeCertificate(dataDir, DOMAIN, certificate);
    }
    const serials = certificates.map((pem) => BigInt(`0x${new X509Certificate(pem).serialNumber}`));
    expect(readRevocations(dataDir, DOMAIN).map(({ serialHex }) => BigInt(`0x${serialHex}`))).toEqual(serials);
  });

  itWithOpenssl('openssl takes the list for one by the authority', () => {
    const authority = join(organisationFolder(dataDir, DOMAIN), `ca/ca.${DOMAIN}-cert.pem`);
    const { stdout } = spawnSync('openssl', ['crl', '-in', listPath, '-CAfile', authority, '-noout', '-text']);
    const shown = stdout.toString();
    expect(shown).toContain(`O = ${DOMAIN}, CN = ca.${DOMAIN}`);
    expect(shown.match(/Serial Number: /g)).toHaveLength(2);
  });

  it('another authority’s certificate cannot be taken back', async () => {
    await expect(revokeCertificate(dataDir, OTHER_DOMAIN, await issue())).rejects.toMatchObject({
      code: 'MEMBER_REQUEST_INVALID',
    });
  });

  it('a list with a changed byte is not read', async () => {
    const text = readFileSync(listPath, 'utf8');
    const body = Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64');
    const serialAt = body.indexOf(
      Buffer.from(readRevocations(dataDir, DOMAIN)[0]?.serialHex.padStart(32, '0') ?? '', 'hex'),
    );
    body[serialAt + 3] = (body[serialAt + 3] ?? 0) ^ 1;
    writeFileSync(listPath, `-----BEGIN X509 CRL-----\n${body.toString('base64')}\n-----END X509 CRL-----\n`);
    try {
      expect(serialAt).toBeGreaterThan(0);
      expect(() => readRevocations(dataDir, DOMAIN)).toThrow('was not signed by the certificate authority');
    } finally {
      writeFileSync(listPath, text);
    }
  });
});

describe('an identity that was revoked', () => {
  it.each([
    { name: 'before its revocation', offsetMs: -1_000, reason: 'HIGH_S' },
    { name: 'from its revocation on', offsetMs: 0, reason: 'REVOKED' },
  ])('$name: $reason', async ({ offsetMs, reason }) => {
    const certificate = await issue();
    await revokeCertificate(dataDir, DOMAIN, certificate);
    const revokedAtMs = readRevocations(dataDir, DOMAIN).at(-1)?.revokedAtMs ?? 0;
    const registry = new MspRegistry(mspDefinitions(dataDir, topology, { includeOrderer: false }));
    const identity = new msp.SerializedIdentity();
    identity.setMspid('HospitalAMSP');
    identity.setIdBytes(Buffer.from(certificate));
    // What follows the check of the certificate is the signature, and an empty one is malformed.
    const verify = () => {
      registry.verify(identity.serializeBinary(), new Uint8Array(), new Uint8Array(), revokedAtMs + offsetMs);
    };
    expect(verify).toThrow(expect.objectContaining({ reason }));
  });
});
