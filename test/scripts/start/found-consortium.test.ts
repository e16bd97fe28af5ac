import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  fromBase64url,
  parseRegisterDocument,
  requireTwoSignatures,
  type SignedRegister,
} from '@medledger/chaincode/domain';
import { verifySignature } from '../../../gateway/custody/verify-signature.js';
import { hpkePublicKeyOf } from '../../../gateway/custody/hpke.js';
import { ensureIdentities } from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';
import { Credentials } from '../../../scripts/seed/credentials.js';
import { type StaffPlace, unlockStaff } from '../../../scripts/seed/staff-wallets.js';
import { custodianKeyFile, prepareConsortium } from '../../../scripts/start/found-consortium.js';

const DOCTORS = 3;
const topology = localTopology(20_000);
let dataDir: string;
let register: SignedRegister;

function place(): StaffPlace {
  return { topology, dataDir, credentials: new Credentials(dataDir), gatewayUrlOf: (mspId) => `http://${mspId}` };
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'founding-'));
  await ensureIdentities(topology, dataDir);
  register = await prepareConsortium(place(), DOCTORS);
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

describe('the founding of a consortium', () => {
  it('has a register that two organisations signed', () => {
    const { organisations, version, channel } = parseRegisterDocument(register.text);
    expect({ version, channel }).toEqual({ version: 1, channel: 'medledger' });
    expect(() => requireTwoSignatures(register, organisations, verifySignature)).not.toThrow();
  });

  it('names the custodians with the keys in their folders, and the insurer without one', () => {
    const { organisations } = parseRegisterDocument(register.text);
    const keys = Object.fromEntries(organisations.map(({ mspId, custodianKey }) => [mspId, custodianKey]));
    expect(Object.keys(keys).sort()).toEqual(['GovernmentMSP', 'HospitalAMSP', 'HospitalBMSP', 'InsurerMSP']);
    expect(keys.InsurerMSP).toBeUndefined();
    const privateKey = fromBase64url(readFileSync(custodianKeyFile(dataDir, 'HospitalBMSP'), 'utf8').trim());
    expect(keys.HospitalBMSP).toBe(Buffer.from(hpkePublicKeyOf(privateKey)).toString('base64url'));
  });

  it('names the staff, and nobody twice', () => {
    const { members } = parseRegisterDocument(register.text);
    const names = members.map(({ memberId }) => memberId);
    expect(names).toEqual(expect.arrayContaining(['doctor-a', 'doctor-b', 'doctor-a-2', 'insurer-1', 'auditor-1']));
    expect(names.filter((name) => name.startsWith('doctor-'))).toHaveLength(DOCTORS);
    expect(new Set(names).size).toBe(names.length);
  });

  it('tells how everybody signs in, in a file for its owner alone', async () => {
    const file = join(dataDir, 'demo-credentials.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(place().credentials.find('doctor-b')).toEqual({
      memberId: 'doctor-b',
      role: 'doctor',
      agencyId: 'hospital-b',
      organisation: 'HospitalBMSP',
      gatewayUrl: 'http://HospitalBMSP',
      password: expect.stringMatching(/^[\w-]{24}$/),
    });
    expect(place().credentials.find('auditor-1')).not.toHaveProperty('agencyId');
  });

  it('makes wallets that the passwords open, with the registered keys', async () => {
    const admin = await unlockStaff(place(), 'admin-a');
    const registered = parseRegisterDocument(register.text).members.find(({ memberId }) => memberId === 'admin-a');
    expect(Buffer.from(admin.signingPublicKeySpki).toString('base64url')).toBe(registered?.signingKey);
  });

  it('prepared again, gives the same bytes', async () => {
    expect(await prepareConsortium(place(), DOCTORS)).toEqual(register);
  });

  it('cut short before the register was written, goes on with the wallets that are there', async () => {
    rmSync(join(dataDir, 'register.json'));
    const again = await prepareConsortium(place(), DOCTORS);
    expect(again.text).toBe(register.text);
    expect(again.signatures).not.toEqual(register.signatures);
  });
});
