import { describe, expect, it } from '@jest/globals';
import {
  bytesToHex,
  fromBase64url,
  lengthPrefixed,
  taggedBytes,
  toBase64url,
  uint64Bytes,
  utf8ToBytes,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';

const byteLists = fc.uint8Array({ maxLength: 70 });

describe('base64url', () => {
  // RFC 4648 section 10, without the padding.
  it.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
  ])('of "%s" is "%s"', (plain, text) => {
    expect(toBase64url(utf8ToBytes(plain))).toBe(text);
    expect(fromBase64url(text)).toEqual(utf8ToBytes(plain));
  });

  it('is the one of node:buffer, both ways', () => {
    fc.assert(
      fc.property(byteLists, (bytes) => {
        const text = Buffer.from(bytes).toString('base64url');
        expect(toBase64url(bytes)).toBe(text);
        expect(fromBase64url(text)).toEqual(bytes);
      }),
    );
  });

  it('uses the two characters that are safe in a URL', () => {
    expect(toBase64url(new Uint8Array([0xfb, 0xff, 0xbf]))).toBe('-_-_');
  });

  it.each(['Zg==', 'Z', 'Zm9vY', 'Zm9+', 'Zm9/', 'Zm 9', 'Zm9\n', 'Zmé9', '😀😀'])('refuses %j', (text) => {
    expect(() => fromBase64url(text)).toThrow('INPUT_INVALID');
  });

  it.each(['Zh', 'Zv', 'Zm9vYh', 'Zm9', 'Zm-'])('refuses the stray bits of %j', (text) => {
    expect(() => fromBase64url(text)).toThrow('stray bits');
  });

  it('has one text for each byte string: whatever is read is written the same', () => {
    const letters = fc.string({ unit: fc.constantFrom(...'ABwxyz019-_'), maxLength: 12 });
    fc.assert(
      fc.property(letters, (text) => {
        let bytes: Uint8Array;
        try {
          bytes = fromBase64url(text);
        } catch {
          return;
        }
        expect(toBase64url(bytes)).toBe(text);
      }),
    );
  });
});

describe('uint64Bytes', () => {
  it.each([
    [0, '0000000000000000'],
    [1, '0000000000000001'],
    [2 ** 32 - 1, '00000000ffffffff'],
    [2 ** 32, '0000000100000000'],
    [2 ** 40 + 5, '0000010000000005'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
  ])('of %d is %s', (value, hex) => {
    expect(bytesToHex(uint64Bytes(value))).toBe(hex);
  });
});

describe('lengthPrefixed', () => {
  it('keeps lists apart that concatenate alike', () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const alike = JSON.stringify(left.map(bytesToHex)) === JSON.stringify(right.map(bytesToHex));
        expect(bytesToHex(lengthPrefixed(left)) === bytesToHex(lengthPrefixed(right))).toBe(alike);
      }),
      { numRuns: 500 },
    );
  });

  it('frames the tag as the first part', () => {
    expect(bytesToHex(taggedBytes('t/é', [new Uint8Array([255])]))).toBe('00000004742fc3a900000001ff');
  });
});
