import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isLowS, signLowS, toLowS } from '../../../network/devledger/low-s.js';

// RFC 6979 appendix A.2.5: P-256, SHA-256.
const PUBLIC_KEY = createPublicKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: Buffer.from('60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6', 'hex').toString('base64url'),
    y: Buffer.from('7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299', 'hex').toString('base64url'),
  },
});
const SAMPLE_R = 'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716';
const SAMPLE_S = 'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8';
const SAMPLE_LOW_S = '0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9';
const HIGH = Buffer.from(`3046022100${SAMPLE_R}022100${SAMPLE_S}`, 'hex');
const LOW = Buffer.from(`3045022100${SAMPLE_R}0220${SAMPLE_LOW_S}`, 'hex');

describe('low s', () => {
  it('a signature of RFC 6979 with the higher s is turned into the lower one, and both verify', () => {
    expect(isLowS(HIGH)).toBe(false);
    expect(Buffer.from(toLowS(HIGH)).toString('hex')).toBe(LOW.toString('hex'));
    expect(isLowS(LOW)).toBe(true);
    expect(toLowS(LOW)).toBe(LOW);
    expect(verify('sha256', Buffer.from('sample'), PUBLIC_KEY, HIGH)).toBe(true);
    expect(verify('sha256', Buffer.from('sample'), PUBLIC_KEY, LOW)).toBe(true);
  });

  it('what signLowS makes is always low and verifies', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    for (let round = 0; round < 50; round += 1) {
      const data = Buffer.from(`message ${round}`);
      const signature = signLowS(privateKey, data);
      expect(isLowS(signature)).toBe(true);
      expect(verify('sha256', data, publicKey, signature)).toBe(true);
    }
  });

  it.each([
    { name: 'nothing', hex: '' },
    { name: 'a byte behind the signature', hex: `${LOW.toString('hex')}00` },
    { name: 'a length that is too large', hex: `3046${LOW.toString('hex').slice(4)}` },
    { name: 's of zero', hex: '3006020101020100' },
    { name: 'a negative r', hex: '3006020180020101' },
    { name: 'an r with a needless zero', hex: '300702020001020101' },
  ])('$name is not a signature', ({ hex }) => {
    expect(isLowS(Buffer.from(hex, 'hex'))).toBe(false);
    expect(() => toLowS(Buffer.from(hex, 'hex'))).toThrow(RangeError);
  });
});
