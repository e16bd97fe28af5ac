import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes as decodeHex, utf8ToBytes as encodeUtf8 } from '@noble/hashes/utils.js';
import { DomainError } from './errors.js';

export { bytesToHex, concatBytes, sha256 };

/** Up to here a loop is faster than the platform's encoder; headers, outcomes and single calls are shorter. */
const LOOP_CHARACTERS_MAX = 1024;
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Value of each hexadecimal digit by its character code; NO_DIGIT for every other character. */
const NO_DIGIT = 0xff;
const HEX_DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (let value = 0; value < 16; value++) {
  HEX_DIGITS[value.toString(16).charCodeAt(0)] = value;
  HEX_DIGITS[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}

/** @throws Error for anything but pairs of hexadecimal digits */
export function hexToBytes(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1);
  let seen = 0;
  for (let at = 0; at < bytes.length; at++) {
    const high = HEX_DIGITS[hex.charCodeAt(2 * at)] ?? NO_DIGIT;
    const low = HEX_DIGITS[hex.charCodeAt(2 * at + 1)] ?? NO_DIGIT;
    seen |= high | low;
    bytes[at] = (high << 4) | low;
  }
  // What is no digit has its high bits set. The library says what is wrong, and where.
  return seen > 0xf || hex.length % 2 === 1 ? decodeHex(hex) : bytes;
}

export function utf8ToBytes(text: string): Uint8Array {
  if (text.length > LOOP_CHARACTERS_MAX) return encodeUtf8(text);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return encodeUtf8(text);
    bytes[at] = unit;
  }
  return bytes;
}

/** SHA-256 as lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}

/** Big-endian, 8 bytes. `value` is a safe integer of at least 0. */
export function uint64Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  putUint32(bytes, 0, Math.floor(value / 2 ** 32));
  putUint32(bytes, 4, value % 2 ** 32);
  return bytes;
}

/** Big-endian. No DataView: making one costs more than all the rest of a header. */
function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Four bytes of length, big-endian, then the bytes: no two lists of parts encode alike. */
export function lengthPrefixed(parts: readonly Uint8Array[]): Uint8Array {
  const framed = new Uint8Array(parts.reduce((length, part) => length + 4 + part.length, 0));
  let at = 0;
  for (const part of parts) {
    putUint32(framed, at, part.length);
    framed.set(part, at + 4);
    at += 4 + part.length;
  }
  return framed;
}

/** Domain tag, then length-prefixed parts: what every hash and signature of the product is taken over. */
export function taggedBytes(tag: string, parts: readonly Uint8Array[]): Uint8Array {
  return lengthPrefixed([utf8ToBytes(tag), ...parts]);
}

/** RFC 4648 section 5, without padding. */
export function toBase64url(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += BASE64URL.charAt(group >> 18) + BASE64URL.charAt((group >> 12) & 63);
    if (left > 1) text += BASE64URL.charAt((group >> 6) & 63);
    if (left > 2) text += BASE64URL.charAt(group & 63);
  }
  return text;
}

/**
 * RFC 4648 section 5, without padding, canonical only: each byte string has one text.
 *
 * @throws DomainError INPUT_INVALID for any other character, length or stray bits
 */
export function fromBase64url(text: string): Uint8Array {
  if (text.length % 4 === 1) throw new DomainError('INPUT_INVALID', 'base64url of an impossible length');
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let bitCount = 0;
  let at = 0;
  for (const character of text) {
    const value = BASE64URL.indexOf(character);
    if (value < 0) throw new DomainError('INPUT_INVALID', 'not base64url');
    bits = ((bits << 6) | value) & 0xffffff;
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      bytes[at++] = (bits >> bitCount) & 0xff;
    }
  }
  if ((bits & ((1 << bitCount) - 1)) !== 0) throw new DomainError('INPUT_INVALID', 'base64url with stray bits');
  return bytes;
}
