import { describe, expect, it } from '@jest/globals';
import { shape } from '@medledger/chaincode/domain';

const { base64url, distinct, distinctBy, hex, integer, list, notSupported, object, oneOf, optional, text, timeMs } =
  shape;

const person = object({ name: text(/^[a-z]+$/, 'a name'), age: optional(integer({ min: 0, max: 150 })) });
const house = object({ people: list(person, { min: 1, max: 2 }), kind: oneOf(['flat', 'hut']), later: notSupported() });

describe('object', () => {
  it('gives back what was asked for, and leaves absent members out', () => {
    expect(house({ people: [{ name: 'ada', age: 36 }], kind: 'hut' }, '')).toEqual({
      people: [{ name: 'ada', age: 36 }],
      kind: 'hut',
    });
    expect(Object.keys(person({ name: 'ada', age: undefined }, ''))).toEqual(['name']);
  });

  it.each([
    { value: { people: [{ name: 'ada', x: 1 }], kind: 'hut' }, message: 'INPUT_INVALID: /people/0/x is not a known' },
    { value: { people: [{ name: 'ADA' }], kind: 'hut' }, message: 'INPUT_INVALID: /people/0/name must be a name' },
    { value: { people: [{}], kind: 'hut' }, message: 'INPUT_INVALID: /people/0/name must be a name' },
    { value: { people: [{ name: 'ada', age: null }], kind: 'hut' }, message: '/people/0/age must be an integer' },
    { value: { people: [], kind: 'hut' }, message: 'INPUT_INVALID: /people must have 1 to 2 items' },
    { value: { people: {}, kind: 'hut' }, message: 'INPUT_INVALID: /people must be a list' },
    { value: { people: [{ name: 'a' }], kind: 'tent' }, message: 'INPUT_INVALID: /kind must be one of flat, hut' },
    { value: { people: [{ name: 'a' }], kind: 'hut', later: 0 }, message: 'NOT_SUPPORTED: /later has no rule yet' },
    { value: [], message: 'INPUT_INVALID: / must be an object' },
    { value: null, message: 'INPUT_INVALID: / must be an object' },
    { value: 'x', message: 'INPUT_INVALID: / must be an object' },
  ])('refuses $value with $message', ({ value, message }) => {
    expect(() => house(value, '')).toThrow(message);
  });

  it('does not take inherited members for given ones, nor known names of every object for known members', () => {
    expect(() => person(Object.create({ name: 'ada' }), '')).toThrow('/name must be');
    expect(() => person(JSON.parse('{"name":"a","__proto__":{}}'), '')).toThrow('/__proto__ is not a known member');
    expect(() => person({ name: 'a', toString: 1 }, '')).toThrow('/toString is not a known member');
  });

  it('escapes the pointer (RFC 6901) and cuts a name that only makes the message long', () => {
    expect(() => person({ name: 'a', 'x/y~z': 1 }, '')).toThrow('/x~1y~0z is not');
    expect(() => person({ name: 'a', ['x'.repeat(100_000)]: 1 }, '')).toThrow(/^INPUT_INVALID: \/x{64} is not/);
  });
});

describe('lists', () => {
  const letters = distinct(text(/^[a-z]$/, 'a letter'), { min: 0, max: 3 });

  it('keep their order and refuse an item that comes twice', () => {
    expect(letters(['b', 'a'], '')).toEqual(['b', 'a']);
    expect(() => letters(['a', 'b', 'a'], '/at')).toThrow('INPUT_INVALID: /at names an item twice');
    expect(() => letters(['a', 'b', 'c', 'd'], '/at')).toThrow('0 to 3 items');
  });

  it('are compared by the id where items are objects', () => {
    const people = distinctBy(person, ({ name }) => name, { min: 0, max: 3 });
    expect(
      people(
        [
          { name: 'a', age: 1 },
          { name: 'b', age: 1 },
        ],
        '',
      ),
    ).toHaveLength(2);
    expect(() =>
      people(
        [
          { name: 'a', age: 1 },
          { name: 'a', age: 2 },
        ],
        '',
      ),
    ).toThrow('names an item twice');
  });
});

describe('numbers and bytes', () => {
  it.each([-1, 11, 1.5, Number.NaN, '5', 5n, null, undefined])('an integer from 0 to 10 is not %p', (value) => {
    expect(() => integer({ min: 0, max: 10 })(value, '/n')).toThrow(
      'INPUT_INVALID: /n must be an integer from 0 to 10',
    );
  });

  it('integers reach from bound to bound', () => {
    expect([0, 10].map((value) => integer({ min: 0, max: 10 })(value, ''))).toEqual([0, 10]);
  });

  it.each([
    ['AAAA', true],
    ['AAA', false],
    ['AAAAAA', false],
    ['AAA=', false],
    ['AA!A', false],
    [7, false],
  ])('three bytes of base64url: %p is %p', (value, taken) => {
    const parse = () => base64url({ lengthBytes: 3 })(value, '/key');
    if (taken) expect(parse()).toBe(value);
    else expect(parse).toThrow('INPUT_INVALID: /key ');
  });

  it('base64url up to a bound takes the bound and no more', () => {
    expect(base64url({ maxBytes: 3 })('AAAA', '')).toBe('AAAA');
    expect(base64url({ maxBytes: 3 })('', '')).toBe('');
    expect(() => base64url({ maxBytes: 3 })('AAAAAA', '')).toThrow('wrong number of bytes');
  });

  it.each(['ab', 'abcde', 'ABCD', 'abcg', 'abcd\n', ' abcd'])('two bytes of hex are not %j', (value) => {
    expect(() => hex(2)(value, '')).toThrow('2 bytes in lower-case hex');
  });

  it.each([
    [0, true],
    [-1, false],
    [Date.parse('9999-12-31T23:59:59.999Z'), true],
    [Date.parse('9999-12-31T23:59:59.999Z') + 1, false],
  ])('a time in ms may be %d: %p', (value, taken) => {
    if (taken) expect(timeMs(value, '')).toBe(value);
    else expect(() => timeMs(value, '')).toThrow('INPUT_INVALID');
  });
});
