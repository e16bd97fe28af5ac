import { fromBase64url } from './bytes.js';
import { DomainError, type ErrorCode } from './errors.js';
import { ID_CHARACTERS_MAX } from './limits.js';

/** Turns outside data into a value of type T, or throws; `pointer` (RFC 6901) names the place for the caller. */
export type Parse<T> = (value: unknown, pointer: string) => T;

type Fields = { readonly [name: string]: Parse<unknown> };
type Parsed<F extends Fields> = {
  readonly [K in keyof F as undefined extends ReturnType<F[K]> ? never : K]: ReturnType<F[K]>;
} & {
  readonly [K in keyof F as undefined extends ReturnType<F[K]> ? K : never]?: Exclude<ReturnType<F[K]>, undefined>;
};

const refuse = (pointer: string, what: string, code: ErrorCode = 'INPUT_INVALID'): never => {
  throw new DomainError(code, `${pointer === '' ? '/' : pointer} ${what}`);
};

/** An object with exactly these members; unknown ones are refused. */
export function object<F extends Fields>(fields: F): Parse<Parsed<F>> {
  const members = Object.entries(fields);
  return (value, pointer) => {
    const source = requireObject(value, pointer);
    for (const name of Object.keys(source))
      if (!Object.hasOwn(fields, name)) refuse(`${pointer}/${pointerToken(name)}`, 'is not a known member');
    const parsed: { [name: string]: unknown } = {};
    for (const [name, parse] of members) {
      const member = parse(ownMember(source, name), `${pointer}/${name}`);
      if (member !== undefined) parsed[name] = member;
    }
    return parsed as Parsed<F>;
  };
}

/** RFC 6901 section 3. Cut, because the caller chose the name and the message crosses the peer. */
function pointerToken(name: string): string {
  return name.slice(0, ID_CHARACTERS_MAX).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1');
}

function ownMember(source: { readonly [name: string]: unknown }, name: string): unknown {
  return Object.hasOwn(source, name) ? source[name] : undefined;
}

function requireObject(value: unknown, pointer: string): { readonly [name: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(pointer, 'must be an object');
  return value as { readonly [name: string]: unknown };
}

/** Undefined stays undefined; anything else must parse. */
export function optional<T>(parse: Parse<T>): Parse<T | undefined> {
  return (value, pointer) => (value === undefined ? undefined : parse(value, pointer));
}

/** A member whose rule is not built yet: refused, never stored and ignored. */
export function notSupported(): Parse<undefined> {
  return (value, pointer) => (value === undefined ? undefined : refuse(pointer, 'has no rule yet', 'NOT_SUPPORTED'));
}

export function list<T>(parse: Parse<T>, bounds: { min: number; max: number }): Parse<readonly T[]> {
  return (value, pointer) => {
    if (!Array.isArray(value)) return refuse(pointer, 'must be a list');
    if (value.length < bounds.min || value.length > bounds.max)
      refuse(pointer, `must have ${bounds.min} to ${bounds.max} items`);
    return value.map((item, index) => parse(item, `${pointer}/${index}`));
  };
}

/** A list in which no item comes twice. */
export function distinct<T extends string>(parse: Parse<T>, bounds: { min: number; max: number }): Parse<readonly T[]> {
  return distinctBy(parse, (item) => item, bounds);
}

/** A list in which no two items have the same id: state knows no read-your-writes, so a second one would replace the first. */
export function distinctBy<T>(
  parse: Parse<T>,
  idOf: (item: T) => string,
  bounds: { min: number; max: number },
): Parse<readonly T[]> {
  const parseList = list(parse, bounds);
  return (value, pointer) => {
    const items = parseList(value, pointer);
    if (new Set(items.map(idOf)).size !== items.length) refuse(pointer, 'names an item twice');
    return items;
  };
}

export function text<T extends string = string>(pattern: RegExp, what: string): Parse<T> {
  return (value, pointer) => {
    if (typeof value !== 'string' || !pattern.test(value)) return refuse(pointer, `must be ${what}`);
    return value as T;
  };
}

export function oneOf<const T extends string>(values: readonly T[]): Parse<T> {
  return (value, pointer) =>
    values.find((allowed) => allowed === value) ?? refuse(pointer, `must be one of ${values.join(', ')}`);
}

export const boolean: Parse<boolean> = (value, pointer) =>
  typeof value === 'boolean' ? value : refuse(pointer, 'must be true or false');

export function integer(bounds: { min: number; max: number }): Parse<number> {
  return (value, pointer) => {
    const fits = typeof value === 'number' && Number.isSafeInteger(value) && value >= bounds.min && value <= bounds.max;
    return fits ? value : refuse(pointer, `must be an integer from ${bounds.min} to ${bounds.max}`);
  };
}

/** Base64url text of exactly `lengthBytes` bytes, or of any length up to `maxBytes`; stays text. */
export function base64url(bounds: { lengthBytes: number } | { maxBytes: number }): Parse<string> {
  return (value, pointer) => {
    if (typeof value !== 'string') return refuse(pointer, 'must be base64url text');
    const length = base64urlLength(value) ?? refuse(pointer, 'must be base64url without padding');
    const fits = 'lengthBytes' in bounds ? length === bounds.lengthBytes : length <= bounds.maxBytes;
    return fits ? value : refuse(pointer, 'has the wrong number of bytes');
  };
}

/** @returns undefined where the text is not canonical base64url */
function base64urlLength(text: string): number | undefined {
  try {
    return fromBase64url(text).length;
  } catch (cause) {
    if (cause instanceof DomainError) return undefined;
    throw cause;
  }
}

/** Lower-case hex of exactly `lengthBytes` bytes. */
export function hex(lengthBytes: number): Parse<string> {
  return text(new RegExp(`^[0-9a-f]{${lengthBytes * 2}}$`), `${lengthBytes} bytes in lower-case hex`);
}

/** Milliseconds since 1970-01-01T00:00:00Z, up to the year 9999. */
export const timeMs: Parse<number> = integer({ min: 0, max: 253_402_300_799_999 });

/** A date of the data itself, which may lie before 1970. */
export const dataDateMs: Parse<number> = integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
