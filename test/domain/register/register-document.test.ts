import { describe, expect, it } from '@jest/globals';
import {
  type AgencyId,
  canonicalJson,
  formatRegisterDocument,
  fromBase64url,
  type MemberId,
  type MspId,
  parseRegisterDocument,
  type RegisterDocument,
  registerBytes,
  requireTwoSignatures,
  signedRegister,
  toBase64url,
} from '@medledger/chaincode/domain';
import { newKey, opensslVerify, type SampleKey, signBytes } from '../sample-keys.js';

const keys = { A: newKey(), B: newKey(), C: newKey() };
const x25519 = toBase64url(new Uint8Array(32).fill(5));

function organisation(name: 'A' | 'B' | 'C') {
  return { mspId: `${name}MSP` as MspId, name, registerKey: keys[name].signingKey, custodianKey: x25519 };
}

const document: RegisterDocument = {
  channel: 'medledger',
  version: 1,
  organisations: [organisation('A'), organisation('B'), organisation('C')],
  agencies: [{ agencyId: 'clinic' as AgencyId, kind: 'hospital', name: 'Clinic', organisation: 'AMSP' as MspId }],
  members: [
    {
      memberId: 'dr-a' as MemberId,
      role: 'doctor',
      agencyId: 'clinic' as AgencyId,
      organisation: 'AMSP' as MspId,
      signingKey: keys.A.signingKey,
      encryptionKey: x25519,
      keyCustody: 'wallet',
    },
  ],
};
const text = formatRegisterDocument(document);

const signedBy = (...signers: [mspId: string, key: SampleKey, signedText?: string][]) => ({
  text,
  signatures: signers.map(([mspId, key, signedText]) => ({
    mspId: mspId as MspId,
    signature: signBytes(key, registerBytes(signedText ?? text)),
  })),
});

describe('requireTwoSignatures', () => {
  it.each([
    { name: 'two organisations', signed: signedBy(['AMSP', keys.A], ['BMSP', keys.B]) },
    { name: 'three', signed: signedBy(['AMSP', keys.A], ['BMSP', keys.B], ['CMSP', keys.C]) },
    { name: 'two and a stranger', signed: signedBy(['AMSP', keys.A], ['XMSP', newKey()], ['CMSP', keys.C]) },
    { name: 'two, one with a bad try first', signed: signedBy(['AMSP', keys.B], ['AMSP', keys.A], ['BMSP', keys.B]) },
  ])('takes $name', ({ signed }) => {
    expect(() => requireTwoSignatures(signed, document.organisations, opensslVerify)).not.toThrow();
  });

  it.each([
    { name: 'one', signed: signedBy(['AMSP', keys.A]) },
    { name: 'one organisation twice', signed: signedBy(['AMSP', keys.A], ['AMSP', keys.A]) },
    { name: 'one key under two names', signed: signedBy(['AMSP', keys.A], ['BMSP', keys.A]) },
    { name: 'one and a stranger', signed: signedBy(['AMSP', keys.A], ['XMSP', newKey()]) },
    { name: 'two of another text', signed: signedBy(['AMSP', keys.A, '{}'], ['BMSP', keys.B, '{}']) },
    { name: 'names and keys crossed', signed: signedBy(['AMSP', keys.B], ['BMSP', keys.A]) },
  ])('refuses $name', ({ signed }) => {
    const check = () => requireTwoSignatures(signed, document.organisations, opensslVerify);
    expect(check).toThrow('REGISTER_SIGNATURES_MISSING');
  });

  it('refuses one key that two trusted organisations share, and one organisation that is trusted twice', () => {
    const sharing = [organisation('A'), { ...organisation('B'), registerKey: keys.A.signingKey }];
    const twice = [organisation('A'), { ...organisation('A'), registerKey: keys.B.signingKey }];
    const bySameKey = signedBy(['AMSP', keys.A], ['BMSP', keys.A]);
    const bySameName = signedBy(['AMSP', keys.A], ['AMSP', keys.B]);
    for (const [signed, trusted] of [
      [bySameKey, sharing],
      [bySameName, twice],
    ] as const)
      expect(() => requireTwoSignatures(signed, trusted, opensslVerify)).toThrow('REGISTER_SIGNATURES_MISSING');
  });

  it('trusts nobody when nobody is trusted', () => {
    const signed = signedBy(['AMSP', keys.A], ['BMSP', keys.B]);
    expect(() => requireTwoSignatures(signed, [], opensslVerify)).toThrow('0 of 2');
  });

  it('refuses a changed text under good signatures', () => {
    const signed = { ...signedBy(['AMSP', keys.A], ['BMSP', keys.B]), text: text.replace('doctor', 'auditor') };
    expect(() => requireTwoSignatures(signed, document.organisations, opensslVerify)).toThrow('0 of 2');
  });
});

describe('parseRegisterDocument', () => {
  const [member] = document.members;
  const [agency] = document.agencies;

  it('reads what formatRegisterDocument wrote', () => {
    expect(parseRegisterDocument(text)).toEqual(document);
  });

  it.each([
    { name: 'a patient, who registers alone', change: { members: [{ ...member, role: 'patient' }] } },
    { name: 'a member twice', change: { members: [member, { ...member, role: 'nurse' }] } },
    { name: 'an agency twice', change: { agencies: [agency, { ...agency, name: 'Other' }] } },
    {
      name: 'an organisation twice',
      change: { organisations: [organisation('A'), { ...organisation('A'), name: 'Z' }] },
    },
    { name: 'an unknown field', change: { members: [{ ...member, genesis: '00' }] } },
    { name: 'a short key', change: { members: [{ ...member, signingKey: x25519 }] } },
    { name: 'version 0', change: { version: 0 } },
  ])('refuses $name', ({ change }) => {
    expect(() => parseRegisterDocument(canonicalJson({ ...document, ...change }))).toThrow(
      /^INPUT_INVALID: \/register\//,
    );
  });
});

describe('signedRegister', () => {
  it('needs at least one signature of 64 bytes', () => {
    const { signatures } = signedBy(['AMSP', keys.A]);
    expect(signedRegister({ text, signatures }, '')).toEqual({ text, signatures });
    const short = toBase64url(fromBase64url(signatures[0]?.signature ?? '').slice(1));
    expect(() => signedRegister({ text, signatures: [] }, '')).toThrow('/signatures must have 1 to 50');
    expect(() => signedRegister({ text, signatures: [{ mspId: 'AMSP', signature: short }] }, '')).toThrow(
      'INPUT_INVALID: /signatures/0/signature',
    );
  });
});
