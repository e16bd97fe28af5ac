// tsyringe inside @peculiar/x509 refuses to load without this polyfill.
import 'reflect-metadata';
import { Name, PemConverter } from '@peculiar/x509';

/** Whoever asks for a certificate, and shows that it holds the key. */
export interface RequestedKey {
  /** P-256 SubjectPublicKeyInfo, DER. */
  readonly publicKeySpki: Uint8Array;
  /** ECDSA with SHA-256 over the bytes, ASN.1 DER. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
}

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;
/** Constructed, context-specific, number 0: attributes, of which there are none. */
const ATTRIBUTES = 0xa0;
const VERSION_0 = Uint8Array.of(0x02, 0x01, 0x00);
/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2, as an AlgorithmIdentifier (RFC 5758 section 3.2). */
const ECDSA_WITH_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');
const LABEL = 'CERTIFICATE REQUEST';

/**
 * A certificate request. Written here because the library's own generator wants the private key, and members keep theirs.
 *
 * @returns PKCS#10 in PEM
 * @see RFC 2986 section 4
 */
export async function certificateRequest(commonName: string, key: RequestedKey): Promise<string> {
  const subject = new Uint8Array(new Name([{ CN: [commonName] }]).toArrayBuffer());
  const info = der(SEQUENCE, VERSION_0, subject, key.publicKeySpki, der(ATTRIBUTES));
  const signature = await key.sign(info);
  const request = der(SEQUENCE, info, ECDSA_WITH_SHA256, der(BIT_STRING, Uint8Array.of(0), signature));
  return `${PemConverter.encode(new Uint8Array(request), LABEL)}\n`;
}

function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  return Buffer.concat([Uint8Array.of(tag), lengthOf(content.length), content]);
}

/** Short form below 128, else the number of the bytes that follow (X.690 section 8.1.3). */
function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Uint8Array.of(0x80 | bytes.length), bytes]);
}
