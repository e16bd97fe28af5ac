import { describe, expect, it } from '@jest/globals';
import {
  canonicalJson,
  formatStatement,
  fromBase64url,
  grantBody,
  type MemberId,
  parseStatement,
  requireSignature,
  shape,
  signedStatement,
  type Statement,
  statementBytes,
  statementDigest,
  toBase64url,
} from '@medledger/chaincode/domain';
import fc from 'fast-check';
import { newKey, opensslVerify, signBytes, signText } from './sample-keys.js';

const patient = newKey();
const anyBody = shape.object({ note: shape.text(/^[a-z]*$/, 'a note') });
const statement: Statement<{ note: string }> = {
  channel: 'medledger',
  patientId: 'p-1' as MemberId,
  kind: 'grant',
  id: `g${'0a'.repeat(16)}`,
  version: 1,
  keyEpoch: 0,
  body: { note: 'hello' },
};
const text = formatStatement(statement);
const signed = signText(patient, text);
// The order of the group of P-256 (SEC 2, section 2.4.2).
const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');

const word = (value: bigint): string => value.toString(16).padStart(64, '0').slice(-64);
const signatureOf = (r: bigint, s: bigint): string => toBase64url(Buffer.from(word(r) + word(s), 'hex'));

describe('requireSignature', () => {
  it('takes what the pinned key signed', () => {
    expect(() => requireSignature(signed, patient.signingKey, opensslVerify)).not.toThrow();
  });

  it('refuses another key, and the raw text signed without its tag', () => {
    const untagged = { text, signature: signBytes(patient, Buffer.from(text)) };
    expect(() => requireSignature(signed, newKey().signingKey, opensslVerify)).toThrow('SIGNATURE_INVALID');
    expect(() => requireSignature(untagged, patient.signingKey, opensslVerify)).toThrow('SIGNATURE_INVALID');
  });

  it('refuses the signature when one bit is flipped', () => {
    fc.assert(
      fc.property(fc.nat({ max: 511 }), (bit) => {
        const signature = fromBase64url(signed.signature);
        signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const flipped = { text, signature: toBase64url(signature) };
        expect(() => requireSignature(flipped, patient.signingKey, opensslVerify)).toThrow('SIGNATURE_INVALID');
      }),
    );
  });

  it('refuses the text when one bit is flipped', () => {
    fc.assert(
      fc.property(fc.nat({ max: text.length * 7 - 1 }), (bit) => {
        const place = Math.floor(bit / 7);
        const character = String.fromCharCode(text.charCodeAt(place) ^ (1 << (bit % 7)));
        const flipped = { ...signed, text: `${text.slice(0, place)}${character}${text.slice(place + 1)}` };
        expect(() => requireSignature(flipped, patient.signingKey, opensslVerify)).toThrow('SIGNATURE_INVALID');
      }),
    );
  });

  const bytes = Buffer.from(fromBase64url(signed.signature));
  const r = BigInt(`0x${bytes.toString('hex', 0, 32)}`);
  const s = BigInt(`0x${bytes.toString('hex', 32)}`);
  it.each([
    { name: 'r and s zero', signature: signatureOf(0n, 0n) },
    { name: 'r zero', signature: signatureOf(0n, s) },
    { name: 's zero', signature: signatureOf(r, 0n) },
    { name: 'r and s one', signature: signatureOf(1n, 1n) },
    { name: 'r the order', signature: signatureOf(ORDER, s) },
    { name: 's the order', signature: signatureOf(r, ORDER) },
    { name: 'r negated', signature: signatureOf(ORDER - r, s) },
    { name: 'r and s swapped', signature: signatureOf(s, r) },
    { name: 'all bits set', signature: signatureOf(2n ** 256n - 1n, 2n ** 256n - 1n) },
  ])('refuses $name', ({ signature }) => {
    expect(() => requireSignature({ text, signature }, patient.signingKey, opensslVerify)).toThrow('SIGNATURE_INVALID');
  });
});

describe('signedStatement', () => {
  const parse = (signature: string) => signedStatement({ text, signature }, '');

  it('takes 64 bytes and nothing else: no DER, no padding, no second spelling', () => {
    expect(parse(signed.signature)).toEqual(signed);
    const bytes = fromBase64url(signed.signature);
    const der = Buffer.concat([
      Buffer.from('30440220', 'hex'),
      bytes.slice(0, 32),
      Buffer.from('0220', 'hex'),
      bytes.slice(32),
    ]);
    for (const bad of [
      toBase64url(der),
      toBase64url(bytes.slice(1)),
      `${signed.signature}==`,
      '',
      `${signed.signature}A`,
    ])
      expect(() => parse(bad)).toThrow('INPUT_INVALID: /signature');
  });
});

describe('parseStatement', () => {
  it('reads what formatStatement wrote', () => {
    expect(parseStatement(text, anyBody)).toEqual(statement);
  });

  it.each([
    { name: 'white space', bad: text.replace(':', ': ') },
    { name: 'a member twice', bad: text.replace('{', '{"version":1,') },
    { name: 'an unknown member', bad: canonicalJson({ ...statement, extra: 1 }) },
    { name: 'an unknown member of the body', bad: canonicalJson({ ...statement, body: { note: 'a', x: 1 } }) },
    { name: 'version 0', bad: canonicalJson({ ...statement, version: 0 }) },
    { name: 'no key epoch', bad: canonicalJson({ ...statement, keyEpoch: undefined }) },
    { name: 'a kind that is none', bad: canonicalJson({ ...statement, kind: 'promise' }) },
    { name: 'another id', bad: canonicalJson({ ...statement, id: 'g1' }) },
    { name: 'no JSON', bad: '{' },
    { name: 'a list', bad: '[]' },
  ])('refuses $name', ({ bad }) => {
    expect(() => parseStatement(bad, anyBody)).toThrow(/^STATEMENT_INVALID: /);
  });

  it('says NOT_SUPPORTED of a field without a rule, so that the client knows it was no slip', () => {
    const body = { uses: 3 };
    expect(() => parseStatement(canonicalJson({ ...statement, body }), grantBody)).toThrow(
      /^(NOT_SUPPORTED|STATEMENT_INVALID): /,
    );
  });
});

describe('statementDigest', () => {
  it('and statementBytes differ for any two texts', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        expect(statementDigest(left) === statementDigest(right)).toBe(left === right);
        expect(Buffer.from(statementBytes(left)).equals(Buffer.from(statementBytes(right)))).toBe(left === right);
      }),
    );
  });
});
