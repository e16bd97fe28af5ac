import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseStrictJson } from '../../../gateway/plugins/strict-json.js';
import { MedledgerError } from '../../../gateway/medledger-error.js';

const SAFE = { depthMax: 16, numbers: 'safe' } as const;
const EXACT = { depthMax: 40, numbers: 'exact' } as const;

function refusalOf(text: string | Uint8Array, rules: Parameters<typeof parseStrictJson>[1] = SAFE) {
  try {
    parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text, rules);
  } catch (error) {
    if (error instanceof MedledgerError)
      return { code: error.code, pointer: error.extra.pointer, detail: error.message };
    throw error;
  }
  return 'taken';
}

describe('parseStrictJson', () => {
  it('reads whatever JSON.stringify writes, and reads it alike', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ depthSize: 'medium', maxDepth: 12 }),
        fc.integer({ min: 0, max: 3 }),
        (value, indent) => {
          const text = JSON.stringify(value, undefined, indent);
          // Two things that JSON.stringify writes are refused on purpose.
          fc.pre(!text.includes('__proto__') && !/\d{16}|e\+/.test(text));
          expect(parseStrictJson(Buffer.from(text), SAFE)).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  it('takes no text that JSON.parse refuses', () => {
    const characters = fc.constantFrom(...'{}[]",:0123456789.eE+-\\ntrufalsn \t/ux\u0001'.split(''));
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        if (refusalOf(text) === 'taken') expect(() => JSON.parse(text)).not.toThrow();
      }),
      { numRuns: 5_000 },
    );
  });

  it('names a member at any depth that stands twice', () => {
    const paths = fc.array(fc.oneof(fc.string({ minLength: 1, maxLength: 5 }), fc.nat(0)), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(paths, fc.string({ minLength: 1, maxLength: 5 }), (path, name) => {
        fc.pre(![...path, name].includes('__proto__'));
        const twice = `{${JSON.stringify(name)}:1,"other":2,${escapeAll(name)}:3}`;
        const text = path.reduceRight<string>(
          (inner, step) => (typeof step === 'number' ? `[${inner}]` : `{${JSON.stringify(step)}:${inner}}`),
          twice,
        );
        const pointer = [...path, name].map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`);
        fc.pre(name !== 'other');
        expect(refusalOf(text)).toMatchObject({ code: 'JSON_DUPLICATE_NAME', pointer: pointer.join('') });
      }),
    );
  });
});

describe('what parseStrictJson takes and refuses', () => {
  it.each([
    { name: 'nothing', text: '', code: 'INPUT_INVALID', pointer: '' },
    { name: 'a byte order mark', text: '\ufeff{}', code: 'JSON_INVALID', pointer: '' },
    { name: 'a trailing comma', text: '{"a":1,}', code: 'JSON_INVALID', pointer: '' },
    { name: 'two values', text: '{} {}', code: 'JSON_INVALID', pointer: '' },
    { name: 'a comment', text: '{"a":/**/1}', code: 'JSON_INVALID', pointer: '/a' },
    { name: 'a leading zero', text: '{"a":01}', code: 'JSON_INVALID', pointer: '' },
    { name: 'an unfinished string', text: '{"a":["b', code: 'JSON_INVALID', pointer: '/a/0' },
    { name: 'a line break in a string', text: '{"a":"b\nc"}', code: 'JSON_INVALID', pointer: '/a' },
    { name: 'an unknown escape', text: '{"a":"\\x41"}', code: 'JSON_INVALID', pointer: '/a' },
    { name: 'a lone surrogate', text: '{"a":"\\ud800"}', code: 'INPUT_INVALID', pointer: '/a' },
    { name: 'the prototype', text: '{"a":{"\\u005f_proto__":1}}', code: 'INPUT_INVALID', pointer: '/a/__proto__' },
    { name: 'an integer of 2^53', text: '{"a":9007199254740992}', code: 'INPUT_INVALID', pointer: '/a' },
    { name: 'a number out of range', text: '{"a":1e999}', code: 'INPUT_INVALID', pointer: '/a' },
    { name: 'a slash in a name', text: '{"a/b~":[+1]}', code: 'JSON_INVALID', pointer: '/a~1b~0/0' },
  ])('refuses $name', ({ text, code, pointer }) => {
    expect(refusalOf(text)).toMatchObject({ code, pointer });
  });

  it('takes the largest safe integer, and a surrogate pair', () => {
    expect(parseStrictJson(Buffer.from('[9007199254740991,"\\ud83d\\ude00"]'), SAFE)).toEqual([2 ** 53 - 1, '😀']);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(refusalOf(Uint8Array.of(0x22, 0xc3, 0x28, 0x22))).toMatchObject({ code: 'JSON_INVALID' });
  });

  it.each([
    { depth: 16, outcome: 'taken' },
    { depth: 17, outcome: { code: 'JSON_TOO_DEEP' } },
    { depth: 1_000_000, outcome: { code: 'JSON_TOO_DEEP' } },
  ])('at a depth of $depth: $outcome', ({ depth, outcome }) => {
    const found = refusalOf('['.repeat(depth) + ']'.repeat(depth));
    expect(found === 'taken' ? found : { code: found.code }).toEqual(outcome);
  });

  it('repeats nothing of the body in its error', () => {
    const refusal = refusalOf('{"diagnosis": hiv-positive}');
    expect(JSON.stringify(refusal)).not.toContain('hiv');
  });

  it('keeps the digits of FHIR decimals where it is told to', () => {
    const text = '{"low":0.50,"high":1e3,"id":12345678901234567890,"plain":7,"text":"1.0"}';
    expect(JSON.stringify(parseStrictJson(Buffer.from(text), EXACT))).toBe(text);
    expect(parseStrictJson(Buffer.from('{"plain":7.5}'), EXACT)).toEqual({ plain: 7.5 });
  });
});

/** Another spelling of the same name. */
function escapeAll(name: string): string {
  const units = Array.from({ length: name.length }, (_, index) => name.charCodeAt(index));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
}
