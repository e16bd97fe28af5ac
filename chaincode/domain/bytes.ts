import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { DomainError } from './errors.js';

export { bytesToHex, concatBytes, hexToBytes, sha256, utf8ToBytes };

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** SHA-256 as lower-case hex. */
export function sha256Hex(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}

/** Big-endian, 8 bytes. `value` is a safe integer of at least 0. */
export function uint64Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value % 2 ** 32);
  return bytes;
}

/** Four bytes of length, big-endian, then the bytes: no two lists of parts encode alike. */
export function lengthPrefixed(parts: readonly Uint8Array[]): Uint8Array {
  const framed: Uint8Array[] = [];
  for (const part of parts) {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, part.length);
    framed.push(length, part);
  }
  return concatBytes(...framed);
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
