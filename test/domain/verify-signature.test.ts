import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { verifySignature } from '../../chaincode/state/verify-signature.js';
import { opensslVerify } from './sample-keys.js';

interface WycheproofFile {
  groups: {
    publicKeyDer: string;
    tests: { tcId: number; comment: string; msg: string; sig: string; result: 'valid' | 'invalid' }[];
  }[];
}

const path = new URL('../vectors/ecdsa-p256-wycheproof.json', import.meta.url);
const { groups } = JSON.parse(readFileSync(path, 'utf8')) as WycheproofFile;
const cases = groups.flatMap(({ publicKeyDer, tests }) => tests.map((test) => ({ publicKeyDer, ...test })));

describe('verifying signatures, by the vectors of project Wycheproof', () => {
  it.each([
    { name: 'the chaincode', verify: verifySignature },
    { name: 'the OpenSSL of these tests', verify: opensslVerify },
  ])('$name accepts the valid and refuses the invalid', ({ verify }) => {
    const wrong = cases.filter(({ publicKeyDer, msg, sig, result }) => {
      const valid = verify({
        publicKeySpki: Buffer.from(publicKeyDer, 'hex'),
        bytes: Buffer.from(msg, 'hex'),
        signature: Buffer.from(sig, 'hex'),
      });
      return valid !== (result === 'valid');
    });
    expect(wrong.map(({ tcId, comment, result }) => ({ tcId, comment, result }))).toEqual([]);
    expect(cases.filter(({ result }) => result === 'invalid').length).toBeGreaterThan(80);
  });

  it('refuses, without an exception, what is no key of P-256', () => {
    const [first] = cases;
    const good = Buffer.from(first?.publicKeyDer ?? '', 'hex');
    const offCurve = Buffer.from(good);
    offCurve[offCurve.length - 1] = (offCurve.at(-1) ?? 0) ^ 1;
    for (const publicKeySpki of [new Uint8Array(0), new Uint8Array(91), offCurve, good.subarray(1)])
      expect(verifySignature({ publicKeySpki, bytes: Buffer.from('x'), signature: new Uint8Array(64) })).toBe(false);
  });
});
