import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  generateMemberKeys,
  packPrivateKeys,
  unlockedIdentity,
  unpackPrivateKeys,
} from '../../../gateway/identity/member-keys.js';
import { signDer, signP1363 } from '../../../gateway/identity/signatures.js';

const card = { memberId: 'dr-hale', role: 'doctor', mspId: 'HospitalAMSP', certificatePem: 'certificate' };
const keys = generateMemberKeys();
const publicKey = createPublicKey({ key: Buffer.from(keys.signingPublicKeySpki), format: 'der', type: 'spki' });
const HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;

// RFC 7748 section 6.1.
const ALICE = {
  privateHex: '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
  publicHex: '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
};
const BOB_PUBLIC_HEX = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f';
const SHARED_HEX = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';

describe('signatures', () => {
  it('verify, are low-S and in the one DER form, whatever the message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
        const raw = signP1363(keys.signingKey, message);
        expect(raw).toHaveLength(64);
        expect(sOf(raw) <= HALF_ORDER).toBe(true);
        expect(verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw)).toBe(true);
        const der = signDer(keys.signingKey, message);
        expect(der).toHaveLength(2 + (der[1] as number));
        expect(verify('sha256', message, publicKey, der)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('of another message do not verify', () => {
    const signature = signDer(keys.signingKey, Buffer.from('one'));
    expect(verify('sha256', Buffer.from('other'), publicKey, signature)).toBe(false);
  });
});

describe('unlockedIdentity', () => {
  const packed = packPrivateKeys(keys);
  packed.set(Buffer.from(ALICE.privateHex, 'hex'));
  const alice = unlockedIdentity(card, unpackPrivateKeys(packed));

  it('has the public key and the shared secret of RFC 7748', async () => {
    expect(hex(alice.encryptionPublicKey)).toBe(ALICE.publicHex);
    expect(hex(await alice.deriveShared(Buffer.from(BOB_PUBLIC_HEX, 'hex')))).toBe(SHARED_HEX);
    expect(hex(alice.encryptionPrivateKey())).toBe(ALICE.privateHex);
  });

  it('refuses a point of low order', async () => {
    await expect(alice.deriveShared(new Uint8Array(32))).rejects.toThrow();
  });

  it.each([31, 33])('refuses a public key of %d bytes', async (length) => {
    await expect(alice.deriveShared(new Uint8Array(length).fill(9))).rejects.toThrow();
  });

  it('signs transactions in DER and statements in P1363, with the key that its certificate is over', async () => {
    const bytes = Buffer.from('statement');
    expect(verify('sha256', bytes, publicKey, await alice.sign(bytes))).toBe(true);
    const statement = await alice.signStatement(bytes);
    expect(verify('sha256', bytes, { key: publicKey, dsaEncoding: 'ieee-p1363' }, statement)).toBe(true);
    expect(Buffer.from(alice.signingPublicKeySpki).equals(Buffer.from(keys.signingPublicKeySpki))).toBe(true);
  });

  it('prints no private key', () => {
    const printed = JSON.stringify({ alice, keys });
    expect(printed).not.toContain(ALICE.privateHex);
    expect(printed).toContain('dr-hale');
    expect(JSON.parse(printed).keys.signingKey).toEqual({});
  });
});

describe('unpackPrivateKeys', () => {
  it('gives back what was packed', () => {
    const again = unpackPrivateKeys(packPrivateKeys(keys));
    expect(again.signingKey.equals(keys.signingKey) && again.encryptionKey.equals(keys.encryptionKey)).toBe(true);
  });

  it('refuses a piece cut short', () => {
    expect(() => unpackPrivateKeys(packPrivateKeys(keys).subarray(0, 60))).toThrow();
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function sOf(signature: Uint8Array): bigint {
  return BigInt(`0x${hex(signature.subarray(32))}`);
}
