import type { ErrorCode } from '@medledger/chaincode/domain';
import { MedledgerError } from '../medledger-error.js';

export interface JsonRules {
  /** Levels of objects and arrays. */
  readonly depthMax: number;
  /**
   * `safe`: an integer beyond 2^53 is refused, because JSON.parse would change it without a word.
   * `exact`: a number that JSON.parse would respell (1.00, 12345678901234567890) is kept as raw JSON, so that writing
   * the value out again gives the same digits: FHIR says that the precision of a decimal carries meaning.
   */
  readonly numbers: 'safe' | 'exact';
}

/** A pointer is told to the caller and logged: a name as long as the body is not. */
const POINTER_CHARACTERS_MAX = 200;
const NUMBER_CHARACTERS_MAX = 100;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS = ['true', 'false', 'null'];

interface Scan {
  readonly text: string;
  readonly rules: JsonRules;
  readonly path: (string | number)[];
  at: number;
  /** Some number would be written differently than it was read. */
  respelt: boolean;
}

/**
 * Reads JSON that means one thing only. JSON.parse takes the last of two equal names, any depth, lone surrogates and
 * integers it cannot hold, and none of the installed direct dependencies reports them (secure-json-parse looks for
 * `__proto__` alone); hence the scan before it.
 *
 * @throws MedledgerError JSON_INVALID, JSON_DUPLICATE_NAME, JSON_TOO_DEEP or INPUT_INVALID, each with the pointer
 * (RFC 6901) of the place; never with an excerpt, because bodies hold health data
 */
export function parseStrictJson(bytes: Uint8Array, rules: JsonRules): unknown {
  if (bytes.length === 0) throw faultAt('INPUT_INVALID', '', 'the body is empty');
  const scan: Scan = { text: parseUtf8(bytes), rules, path: [], at: 0, respelt: false };
  scanValue(scan);
  skipSpace(scan);
  if (scan.at < scan.text.length) throw notJson(scan);
  return rules.numbers === 'exact' && scan.respelt ? parseKeepingDigits(scan.text) : JSON.parse(scan.text);
}

function parseUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw faultAt('JSON_INVALID', '', 'the body is not UTF-8');
  }
}

function parseKeepingDigits(text: string): unknown {
  // Node has had both since version 22; the compiler's library for es2023 has not.
  const json = JSON as unknown as {
    parse(text: string, reviver: (name: string, value: unknown, context: { source?: string }) => unknown): unknown;
    rawJSON(text: string): unknown;
  };
  return json.parse(text, (_name, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? json.rawJSON(source) : value,
  );
}

function scanValue(scan: Scan): void {
  skipSpace(scan);
  const character = scan.text.charAt(scan.at);
  if (character === '{') scanObject(scan);
  else if (character === '[') scanArray(scan);
  else if (character === '"') scanString(scan);
  else if (character === '-' || (character >= '0' && character <= '9')) scanNumber(scan);
  else scanWord(scan);
}

function scanObject(scan: Scan): void {
  enter(scan);
  const names = new Set<string>();
  while (!leave(scan, '}', names.size)) {
    skipSpace(scan);
    if (scan.text.charAt(scan.at) !== '"') throw notJson(scan);
    const name = scanString(scan);
    scan.path.push(name);
    if (names.has(name)) throw fault(scan, 'JSON_DUPLICATE_NAME', 'is named twice in its object');
    if (name === '__proto__') throw fault(scan, 'INPUT_INVALID', 'is no name this gateway takes');
    names.add(name);
    skipSpace(scan);
    if (!take(scan, ':')) throw notJson(scan);
    scanValue(scan);
    scan.path.pop();
  }
}

function scanArray(scan: Scan): void {
  enter(scan);
  let items = 0;
  while (!leave(scan, ']', items)) {
    scan.path.push(items);
    scanValue(scan);
    scan.path.pop();
    items += 1;
  }
}

function enter(scan: Scan): void {
  scan.at += 1;
  // The path has one step per open container, so its length is the depth.
  if (scan.path.length >= scan.rules.depthMax)
    throw fault(scan, 'JSON_TOO_DEEP', `is more than ${scan.rules.depthMax} levels deep`);
}

/** True past the closing bracket; false before the next member, past its comma. */
function leave(scan: Scan, bracket: string, membersSoFar: number): boolean {
  skipSpace(scan);
  if (take(scan, bracket)) return true;
  if (membersSoFar > 0 && !take(scan, ',')) throw notJson(scan);
  return false;
}

/** @returns the text without its quotes and escapes */
function scanString(scan: Scan): string {
  const { text } = scan;
  const start = scan.at;
  let at = start + 1;
  let escaped = false;
  for (let code = text.charCodeAt(at); code !== 0x22; code = text.charCodeAt(at)) {
    // NaN, at the end of the text, is refused too.
    if (!(code >= 0x20)) throw notJson({ ...scan, at });
    escaped ||= code === 0x5c;
    at += code === 0x5c ? 2 : 1;
  }
  scan.at = at + 1;
  return escaped ? parseEscapes(scan, start) : text.slice(start + 1, at);
}

function parseEscapes(scan: Scan, start: number): string {
  let value: string;
  try {
    value = JSON.parse(scan.text.slice(start, scan.at)) as string;
  } catch {
    throw notJson({ ...scan, at: start });
  }
  if (!value.isWellFormed()) throw fault(scan, 'INPUT_INVALID', 'holds a lone surrogate');
  return value;
}

function scanNumber(scan: Scan): void {
  NUMBER.lastIndex = scan.at;
  const source = NUMBER.exec(scan.text)?.[0];
  if (source === undefined) throw notJson(scan);
  const value = Number(source);
  const isInteger = !/[.eE]/.test(source);
  if (source.length > NUMBER_CHARACTERS_MAX || !Number.isFinite(value))
    throw fault(scan, 'INPUT_INVALID', 'is a number out of range');
  if (isInteger && scan.rules.numbers === 'safe' && !Number.isSafeInteger(value))
    throw fault(scan, 'INPUT_INVALID', 'is an integer beyond 2^53; send it as text');
  scan.respelt ||= String(value) !== source;
  scan.at += source.length;
}

function scanWord(scan: Scan): void {
  const word = WORDS.find((candidate) => scan.text.startsWith(candidate, scan.at));
  if (word === undefined) throw notJson(scan);
  scan.at += word.length;
}

function skipSpace(scan: Scan): void {
  for (;;) {
    const code = scan.text.charCodeAt(scan.at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    scan.at += 1;
  }
}

function take(scan: Scan, character: string): boolean {
  if (scan.text.charAt(scan.at) !== character) return false;
  scan.at += 1;
  return true;
}

function notJson(scan: Scan): MedledgerError {
  return fault(scan, 'JSON_INVALID', `is not well-formed at character ${scan.at}`);
}

function fault(scan: Scan, code: ErrorCode, what: string): MedledgerError {
  const pointer = scan.path.map((step) => `/${pointerStep(String(step))}`).join('');
  return faultAt(code, pointer.slice(0, POINTER_CHARACTERS_MAX), what);
}

function faultAt(code: ErrorCode, pointer: string, what: string): MedledgerError {
  return new MedledgerError(code, `${pointer === '' ? '/' : pointer} ${what}`, { extra: { pointer } });
}

/** One step of a JSON pointer, RFC 6901 section 3. */
export function pointerStep(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
