import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createEnrolment, type Enrolment } from '../../../gateway/identity/enrolment.js';
import { openCertificateAuthority } from '../../../network/identities/index.js';
import { openWalletStore, type WalletStore } from '../../../gateway/identity/wallet-store.js';
import { authorityPaths, organisationFolder } from '../../../network/identities/index.js';
import { CHEAP, HOSPITAL_A, makeIdentities, PASSWORD, temporaryFolder } from './identity-support.js';

const dataDir = temporaryFolder();
const organisation = organisationFolder(dataDir, HOSPITAL_A);
let wallets: WalletStore;
let enrolment: Enrolment;
let stores = 0;

beforeAll(() => makeIdentities(dataDir));
beforeEach(() => {
  stores += 1;
  wallets = openWalletStore({ path: join(dataDir, `wallets-${stores}.db`), cost: CHEAP });
  enrolment = createEnrolment(openCertificateAuthority(dataDir, HOSPITAL_A), wallets);
});
afterEach(() => wallets.close());

const pseudonym = (spki: Uint8Array) => `p-${createHash('sha256').update(spki).digest('hex').slice(0, 40)}`;

describe('enrol', () => {
  it('names a patient by the new key, certifies that key and keeps the wallet', async () => {
    const patient = await enrolment.enrol({ role: 'patient', password: PASSWORD, memberIdFor: pseudonym });
    const certificate = new X509Certificate(patient.certificatePem);
    const authority = new X509Certificate(readFileSync(authorityPaths(organisation, HOSPITAL_A, 'ca').certificate));
    expect(patient.memberId).toBe(pseudonym(patient.signingPublicKeySpki));
    expect(certificate.subject).toBe(`OU=client\nCN=${patient.memberId}`);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.publicKey.export({ type: 'spki', format: 'der' }).equals(patient.signingPublicKeySpki)).toBe(
      true,
    );
    expect(patient).not.toHaveProperty('agencyId');
    const unlocked = await wallets.unlock(patient.memberId, PASSWORD);
    expect(unlocked.encryptionPublicKey).toEqual(patient.encryptionPublicKey);
    expect(unlocked.mspId).toBe('HospitalAMSP');
  });

  it('two members get two keys', async () => {
    const both = [pseudonym, pseudonym].map((memberIdFor) =>
      enrolment.enrol({ role: 'patient', password: PASSWORD, memberIdFor }),
    );
    const [one, two] = await Promise.all(both);
    expect(one?.memberId).not.toBe(two?.memberId);
  });

  it.each([
    { name: 'a weak password', request: { password: 'short' }, code: 'WEAK_PASSWORD' },
    { name: 'a name that is taken', request: { memberIdFor: () => 'dr-hale' }, code: 'MEMBER_EXISTS' },
    { name: 'a role that does not exist', request: { role: 'root' }, code: 'MEMBER_REQUEST_INVALID' },
  ])('$name: refused before a certificate is issued', async ({ request, code }) => {
    const staff = { role: 'doctor', agencyId: 'ward-7', password: PASSWORD, memberIdFor: pseudonym };
    await enrolment.enrol({ ...staff, memberIdFor: () => 'dr-hale' });
    const before = issuedLines();
    await expect(enrolment.enrol({ ...staff, ...request })).rejects.toMatchObject({ code });
    expect(issuedLines()).toEqual(before);
  });
});

function issuedLines(): string[] {
  return readFileSync(join(organisation, 'ca/issued.jsonl'), 'utf8').split('\n');
}
