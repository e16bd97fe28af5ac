import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { VerifySignature } from '@medledger/chaincode/domain';
import { verifySignature } from '../../chaincode/state/verify-signature.js';
import { opensslVerify } from './sample-keys.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

// RFC 6979 appendix A.2.5: the P-256 key, and its signature with SHA-256 over "sample".
const X = '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6';
const Y = '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299';
/** SubjectPublicKeyInfo up to the point (RFC 5480). */
const SPKI_PREFIX = '3059301306072a8648ce3d020106082a8648ce3d03010703420004';
const PUBLIC_KEY = hex(SPKI_PREFIX + X + Y);
const MESSAGE = Buffer.from('sample');
const R = 'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716';
const S = 'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8';
/** n of P-256 (SEC 2, section 2.4.2). */
const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
const ZERO = '00'.repeat(32);
const ONE = `${'00'.repeat(31)}01`;

const VERIFIERS: readonly { name: string; verify: VerifySignature }[] = [
  { name: 'the chaincode', verify: verifySignature },
  { name: 'the OpenSSL of these tests', verify: opensslVerify },
];

describe.each(VERIFIERS)('verifying signatures: $name', ({ verify }) => {
  const accepts = (signatureHex: string, bytes: Buffer = MESSAGE): boolean =>
    verify({ publicKeySpki: PUBLIC_KEY, bytes, signature: hex(signatureHex) });

  it('accepts the signature of RFC 6979', () => {
    expect(accepts(R + S)).toBe(true);
  });

  it.each([
    ['another message', () => accepts(R + S, Buffer.from('test'))],
    ['r and s exchanged', () => accepts(S + R)],
    ['r of zero', () => accepts(ZERO + S)],
    ['s of zero', () => accepts(R + ZERO)],
    ['both zero', () => accepts(ZERO + ZERO)],
    ['both one', () => accepts(ONE + ONE)],
    ['r of the order', () => accepts(ORDER + S)],
    ['s of the order', () => accepts(R + ORDER)],
    ['both of the order', () => accepts(ORDER + ORDER)],
    ['nothing', () => accepts('')],
    ['one byte too few', () => accepts((R + S).slice(2))],
    ['one byte too many', () => accepts(`${R}${S}00`)],
    ['the same numbers in DER', () => accepts(`3046022100${R}022100${S}`)],
  ])('refuses %s', (_name, attempt) => {
    expect(attempt()).toBe(false);
  });

  it('refuses it with any one bit changed', () => {
    const good = hex(R + S);
    for (let bit = 0; bit < good.length * 8; bit++) {
      const changed = Buffer.from(good);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect({ bit, accepted: accepts(changed.toString('hex')) }).toEqual({ bit, accepted: false });
    }
  });
});

describe('verifying signatures', () => {
  it('refuses, without an exception, what is no key of P-256', () => {
    const offCurve = Buffer.from(PUBLIC_KEY);
    offCurve[offCurve.length - 1] = (offCurve.at(-1) ?? 0) ^ 1;
    for (const publicKeySpki of [new Uint8Array(0), new Uint8Array(91), offCurve, PUBLIC_KEY.subarray(1)])
      expect(verifySignature({ publicKeySpki, bytes: MESSAGE, signature: hex(R + S) })).toBe(false);
  });
});

interface WycheproofFile {
  readonly testGroups: readonly {
    readonly publicKeyDer: string;
    readonly tests: readonly { tcId: number; comment: string; msg: string; sig: string; result: string }[];
  }[];
}

// The published vectors are not part of this repository. WYCHEPROOF_VECTORS names the folder testvectors_v1 of a copy
// of C2SP/wycheproof; without it these cases are skipped, and those above remain.
const vectorFile = join(process.env.WYCHEPROOF_VECTORS ?? '', 'ecdsa_secp256r1_sha256_p1363_test.json');
const cases = existsSync(vectorFile) ? parseCases(readFileSync(vectorFile, 'utf8')) : [];

function parseCases(json: string) {
  const { testGroups } = JSON.parse(json) as WycheproofFile;
  return testGroups.flatMap(({ publicKeyDer, tests }) => tests.map((test) => ({ publicKeyDer, ...test })));
}

(cases.length === 0 ? describe.skip : describe)('verifying signatures, by project Wycheproof', () => {
  it.each(VERIFIERS)('$name accepts the valid and refuses the invalid', ({ verify }) => {
    const wrong = cases.filter(({ publicKeyDer, msg, sig, result }) => {
      const valid = verify({ publicKeySpki: hex(publicKeyDer), bytes: hex(msg), signature: hex(sig) });
      return valid !== (result === 'valid');
    });
    expect(wrong.map(({ tcId, comment, result }) => ({ tcId, comment, result }))).toEqual([]);
    expect(cases.filter(({ result }) => result === 'invalid').length).toBeGreaterThan(80);
  });
});
