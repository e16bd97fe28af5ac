import { describe, expect, it } from '@jest/globals';
import { canonicalJson, limits, parseCanonicalJson } from '@medledger/chaincode/domain';
import fc from 'fast-check';

const parse = (text: string): unknown => parseCanonicalJson(text, 10_000);
const strings = fc.string({ unit: 'binary' });
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    strings,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(strings, tie('value'), { maxKeys: 5 }),
  ),
})).value;

describe('canonicalJson', () => {
  it('sorts members by UTF-16 code units, as RFC 8785 section 3.2.3 shows', () => {
    const sample = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(canonicalJson(sample)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis",' +
        '"\u20ac":"Euro Sign","\ud83d\ude00":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
  });

  it('writes strings and literals as RFC 8785 section 3.2.2 shows', () => {
    const sample = { string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/', literals: [null, true, false] };
    expect(canonicalJson(sample)).toBe('{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
  });

  it('escapes control characters in the short form where there is one, and nothing else', () => {
    expect(canonicalJson('\b\t\n\f\r\u0000\u001f\u007f\u2028/')).toBe('"\\b\\t\\n\\f\\r\\u0000\\u001f\u007f\u2028/"');
  });

  it.each<{ value: unknown; text: string }>([
    { value: [56, { d: true, 10: null, 1: [] }], text: '[56,{"1":[],"10":null,"d":true}]' },
    {
      value: { peach: 'x', péché: 'y', pêche: 'z', sin: 's' },
      text: '{"peach":"x","péché":"y","pêche":"z","sin":"s"}',
    },
    { value: { a: undefined, b: 1 }, text: '{"b":1}' },
    { value: [-0, 0, -1, 9_007_199_254_740_991], text: '[0,0,-1,9007199254740991]' },
    { value: { __proto__x: 1, constructor: 2 }, text: '{"__proto__x":1,"constructor":2}' },
    { value: {}, text: '{}' },
  ])('writes $text', ({ value, text }) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it.each([
    { name: 'a fraction', value: 0.5 },
    { name: 'an unsafe integer', value: 2 ** 53 },
    { name: 'NaN', value: Number.NaN },
    { name: 'infinity', value: Number.POSITIVE_INFINITY },
    { name: 'a lone high surrogate', value: '\ud83d' },
    { name: 'a lone low surrogate in a name', value: { '\ude00': 1 } },
    { name: 'undefined', value: undefined },
    { name: 'undefined in a list', value: [undefined] },
    { name: 'a hole in a list', value: new Array(1) },
    { name: 'a bigint', value: 1n },
    { name: 'a function', value: () => 1 },
  ])('refuses $name', ({ value }) => {
    expect(() => canonicalJson(value)).toThrow('INPUT_INVALID');
  });

  it('takes JSON_DEPTH_MAX levels and no more', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
    expect(canonicalJson(nested(limits.JSON_DEPTH_MAX))).toContain('[1]');
    expect(() => canonicalJson(nested(limits.JSON_DEPTH_MAX + 1))).toThrow('JSON_TOO_DEEP');
  });

  it('does not depend on the order in which members were set', () => {
    fc.assert(
      fc.property(fc.dictionary(strings, fc.maxSafeInteger()), (dictionary) => {
        const reversed = Object.fromEntries(Object.entries(dictionary).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(dictionary));
      }),
    );
  });
});

describe('parseCanonicalJson', () => {
  it('gives back every value that canonicalJson wrote', () => {
    fc.assert(
      fc.property(values, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(parseCanonicalJson(text, text.length))).toBe(text);
      }),
    );
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a":1, "b":2}',
    '{"b":1,"a":2}',
    '[1.0]',
    '[1e2]',
    '[-0]',
    '["\\u0041"]',
    '["\\/"]',
    ' 1',
    '1\n',
    '\ufeff1',
    '{',
    '',
    'undefined',
    '{"a":01}',
  ])('refuses the second spelling or no JSON: %s', (text) => {
    expect(() => parse(text)).toThrow('JSON_INVALID');
  });

  it('refuses numbers it cannot hold exactly', () => {
    expect(() => parse('[9007199254740993]')).toThrow(/INPUT_INVALID|JSON_INVALID/);
    expect(() => parse('[1.5]')).toThrow('INPUT_INVALID');
  });

  it('keeps a member called __proto__ a plain member', () => {
    const value = parse('{"__proto__":{"admin":1}}') as object;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(Object.hasOwn(value, 'admin') || 'admin' in value).toBe(false);
  });

  it('refuses one character more than its bound, and endless nesting without a crash', () => {
    expect(parseCanonicalJson('"abc"', 5)).toBe('abc');
    expect(() => parseCanonicalJson('"abcd"', 5)).toThrow('BODY_TOO_LARGE');
    expect(() => parseCanonicalJson('['.repeat(200_000), 256 * 1024)).toThrow('JSON_INVALID');
    const closed = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(() => parseCanonicalJson(closed, 256 * 1024)).toThrow('JSON_TOO_DEEP');
  });
});
