import { DomainError } from './errors.js';
import { JSON_DEPTH_MAX } from './limits.js';

/**
 * One text per value: RFC 8785 for what the product uses (strings, safe integers, booleans, null, arrays, objects).
 * Members whose value is undefined are left out.
 *
 * @throws DomainError INPUT_INVALID for fractions, unsafe integers and lone surrogates, JSON_TOO_DEEP beyond JSON_DEPTH_MAX
 */
export function canonicalJson(value: unknown): string {
  return canonicalValue(value, 0);
}

/**
 * Parses a text that must be its own canonical form, so that no duplicate name, no white space and no second
 * spelling of a number or string can hide in it.
 *
 * @throws DomainError JSON_INVALID when the text is not JSON or not canonical
 */
export function parseCanonicalJson(text: string, charactersMax: number): unknown {
  if (text.length > charactersMax) throw new DomainError('BODY_TOO_LARGE', `more than ${charactersMax} characters`);
  const value = parseJson(text);
  if (canonicalJson(value) !== text)
    throw new DomainError('JSON_INVALID', 'the text is not in canonical form (RFC 8785)');
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DomainError('JSON_INVALID', 'the text is not JSON', { cause });
  }
}

function canonicalValue(value: unknown, depth: number): string {
  if (depth > JSON_DEPTH_MAX) throw new DomainError('JSON_TOO_DEEP', `more than ${JSON_DEPTH_MAX} levels`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return canonicalInteger(value);
  if (typeof value === 'string') return canonicalString(value);
  // Array.from, because map leaves out the holes of a sparse array, and a hole is no JSON value.
  if (Array.isArray(value)) return `[${Array.from(value, (item) => canonicalValue(item, depth + 1)).join(',')}]`;
  if (typeof value === 'object') return canonicalObject(value, depth);
  throw new DomainError('INPUT_INVALID', `a ${typeof value} is no JSON value`);
}

function canonicalInteger(value: number): string {
  if (!Number.isSafeInteger(value)) throw new DomainError('INPUT_INVALID', 'numbers are safe integers');
  return Object.is(value, -0) ? '0' : String(value);
}

/** Printable ASCII without quotation mark and backslash: nothing to escape, and no surrogate. */
const PLAIN = /^[ !#-[\]-~]*$/;

function canonicalString(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw new DomainError('INPUT_INVALID', 'a string holds a lone surrogate');
  return JSON.stringify(value);
}

function canonicalObject(value: object, depth: number): string {
  let members = '';
  // RFC 8785 sorts by UTF-16 code units, as a sort of strings without a comparison does.
  for (const name of Object.keys(value).sort()) {
    const member: unknown = Reflect.get(value, name);
    if (member === undefined) continue;
    members += `${members === '' ? '' : ','}${canonicalString(name)}:${canonicalValue(member, depth + 1)}`;
  }
  return `{${members}}`;
}
