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

/** The same signature as ASN.1 DER, which Fabric wants. Fabric refuses a high S. */
export function signDer(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  const signature = signP1363(privateKey, message);
  const r = integerContent(signature.subarray(0, SCALAR_BYTES));
  const s = integerContent(signature.subarray(SCALAR_BYTES));
  const der = new Uint8Array(6 + r.length + s.length);
  der.set([0x30, der.length - 2, 0x02, r.length]);
  der.set(r, 4);
  der.set([0x02, s.length], 4 + r.length);
  der.set(s, 6 + r.length);
  return der;
}

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
