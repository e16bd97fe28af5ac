import { type KeyObject, sign } from 'node:crypto';

/** Order of the P-256 base point (FIPS 186-5, SP 800-186 section 3.2.1.3). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF_ORDER = P256_ORDER >> 1n;
const DER_SEQUENCE = 0x30;
const DER_INTEGER = 0x02;

/**
 * Signs with ECDSA over SHA-256 as Fabric demands it: of the two valid values of s, the lower one.
 *
 * @param key - private P-256 key
 * @param data - the message, not its hash
 * @returns DER signature
 */
export function signLowS(key: KeyObject, data: Uint8Array): Uint8Array {
  return toLowS(sign('sha256', data, key));
}

/** Whether a DER signature over P-256 is well-formed and has the lower of the two valid values of s. */
export function isLowS(der: Uint8Array): boolean {
  const parts = readSignature(der);
  return parts !== undefined && parts.s <= HALF_ORDER;
}

/**
 * @throws RangeError when the bytes are no DER signature over P-256
 */
export function toLowS(der: Uint8Array): Uint8Array {
  const parts = readSignature(der);
  if (parts === undefined) throw new RangeError('These bytes are not an ECDSA P-256 signature in DER.');
  if (parts.s <= HALF_ORDER) return der;
  const s = derInteger(P256_ORDER - parts.s);
  return Buffer.concat([Buffer.from([DER_SEQUENCE, parts.encodedR.length + s.length]), parts.encodedR, s]);
}

interface SignatureParts {
  /** The whole INTEGER element of r, tag and length included. */
  readonly encodedR: Uint8Array;
  readonly s: bigint;
}

function readSignature(der: Uint8Array): SignatureParts | undefined {
  // Both integers have at most 33 bytes, so every length fits DER's short form.
  if (der[0] !== DER_SEQUENCE || der[1] !== der.length - 2) return undefined;
  const encodedR = readInteger(der, 2);
  if (encodedR === undefined) return undefined;
  const encodedS = readInteger(der, 2 + encodedR.length);
  if (encodedS === undefined || 2 + encodedR.length + encodedS.length !== der.length) return undefined;
  const s = BigInt(`0x${Buffer.from(encodedS.buffer, encodedS.byteOffset + 2, encodedS.length - 2).toString('hex')}`);
  return s > 0n && s < P256_ORDER ? { encodedR, s } : undefined;
}

/** The INTEGER element at an offset, or undefined when it is malformed, negative or not minimal. */
function readInteger(der: Uint8Array, offset: number): Uint8Array | undefined {
  const length = der[offset + 1];
  if (der[offset] !== DER_INTEGER || length === undefined || length < 1 || length > 33) return undefined;
  const end = offset + 2 + length;
  const first = der[offset + 2];
  if (end > der.length || first === undefined || first >= 0x80) return undefined;
  const second = der[offset + 3];
  if (first === 0 && length > 1 && second !== undefined && second < 0x80) return undefined;
  return der.subarray(offset, end);
}

function derInteger(value: bigint): Uint8Array {
  const hex = value.toString(16);
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const bytes = magnitude.readUInt8(0) >= 0x80 ? Buffer.concat([Buffer.of(0), magnitude]) : magnitude;
  return Buffer.concat([Buffer.from([DER_INTEGER, bytes.length]), bytes]);
}
