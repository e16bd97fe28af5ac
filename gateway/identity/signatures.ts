import { type KeyObject, sign } from 'node:crypto';

/** n of P-256 (SEC 2, section 2.4.2) and its half. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF_ORDER = ORDER >> 1n;
const SCALAR_BYTES = 32;

/**
 * ECDSA over P-256 with SHA-256, low-S.
 *
 * @param message - the bytes themselves, not a digest of them
 * @returns 64 bytes, r then s (IEEE P1363)
 */
export function signP1363(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  const signature = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const s = BigInt(`0x${signature.toString('hex', SCALAR_BYTES)}`);
  if (s > HALF_ORDER) signature.write((ORDER - s).toString(16).padStart(64, '0'), SCALAR_BYTES, 'hex');
  return new Uint8Array(signature.buffer, signature.byteOffset, signature.byteLength);
}

/**
 * The same signature as ASN.1 DER, which Fabric wants. Fabric refuses a high S. Not made from the 64 bytes of
 * `signP1363`: Node takes twice as long to sign for a key with options as for a key alone.
 */
export function signDer(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  // SEQUENCE, INTEGER r, INTEGER s. Both have at most 33 bytes, so every length is one byte.
  const der = sign('sha256', message, privateKey);
  const sAt = R_CONTENT_AT + der.readUInt8(R_CONTENT_AT - 1) + 2;
  const s = BigInt(`0x${der.toString('hex', sAt)}`);
  if (s <= HALF_ORDER) return new Uint8Array(der.buffer, der.byteOffset, der.byteLength);
  const lower = integerContent(Buffer.from((ORDER - s).toString(16).padStart(SCALAR_BYTES * 2, '0'), 'hex'));
  const low = new Uint8Array(sAt + lower.length);
  low.set(der.subarray(0, sAt));
  low.set(lower, sAt);
  low[1] = low.length - 2;
  low[sAt - 1] = lower.length;
  return low;
}

/** After the tags and lengths of the sequence and of its first integer. */
const R_CONTENT_AT = 4;

/** Shortest two's-complement form: no zeros in front but one where the first bit would read as a sign. */
function integerContent(scalar: Uint8Array): Uint8Array {
  let first = 0;
  while (first < scalar.length - 1 && scalar[first] === 0) first += 1;
  const digits = scalar.subarray(first);
  if ((digits[0] ?? 0) < 0x80) return digits;
  const signed = new Uint8Array(digits.length + 1);
  signed.set(digits, 1);
  return signed;
}
