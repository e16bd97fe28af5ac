// tsyringe inside @peculiar/x509 refuses to load without this polyfill.
import 'reflect-metadata';
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { encodeFabricAttributes, FABRIC_ATTRIBUTES_OID, type FabricAttributes } from './fabric-attributes.js';

/** Subject of a certificate. `unit` is Fabric's NodeOU: client, peer, admin or orderer. */
export interface Subject {
  readonly commonName: string;
  readonly unit?: string;
  readonly organisation?: string;
}

export interface Issuer {
  readonly subject: Subject;
  readonly publicKeySpki: Uint8Array;
  readonly privateKey: KeyObject;
}

export interface CertificateRequest {
  readonly subject: Subject;
  /** P-256 SubjectPublicKeyInfo, DER. */
  readonly publicKeySpki: Uint8Array;
  readonly issuer: Issuer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly use:
    | { readonly kind: 'authority' }
    | { readonly kind: 'signer'; readonly attributes?: FabricAttributes }
    | { readonly kind: 'tls'; readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] };
}

export interface IssuedCertificate {
  readonly pem: string;
  readonly serialHex: string;
}

const ECDSA_SHA256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const POINT_BYTES = 65;
const HALF_ORDER = BigInt('0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8');
const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');

/**
 * Issues one X.509 certificate with a low-S signature. Fabric re-encodes a certificate whose own signature has a
 * high S before it compares identities (msp/cert.go), so a high one would have two encodings.
 */
export async function issueCertificate(request: CertificateRequest): Promise<IssuedCertificate> {
  // Positive and 128 bits wide: RFC 5280 section 4.1.2.2 asks for at most 20 octets, above zero.
  const serialHex = `01${randomBytes(15).toString('hex')}`;
  const parameters = {
    serialNumber: serialHex,
    subject: nameOf(request.subject),
    issuer: nameOf(request.issuer.subject),
    notBefore: new Date(request.notBeforeMs),
    notAfter: new Date(request.notAfterMs),
    signingAlgorithm: ECDSA_SHA256,
    publicKey: new PublicKey(new Uint8Array(request.publicKeySpki)),
    extensions: extensionsOf(request),
  };
  // The generator signs with WebCrypto, which leaves S as it falls. Built once with a filler, signed here, built again.
  const draft = await X509CertificateGenerator.create({ ...parameters, signature: new Uint8Array(64).fill(1) });
  const signature = signLowS(toBeSigned(new Uint8Array(draft.rawData)), request.issuer.privateKey);
  const certificate = await X509CertificateGenerator.create({ ...parameters, signature });
  return { pem: `${certificate.toString('pem')}\n`, serialHex };
}

function nameOf({ commonName, unit, organisation }: Subject): Record<string, string[]>[] {
  return [
    ...(organisation === undefined ? [] : [{ O: [organisation] }]),
    ...(unit === undefined ? [] : [{ OU: [unit] }]),
    { CN: [commonName] },
  ];
}

function extensionsOf({ use, publicKeySpki, issuer }: CertificateRequest): Extension[] {
  const keyUsage =
    use.kind === 'authority'
      ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature
      : KeyUsageFlags.digitalSignature;
  const extensions: Extension[] = [
    new BasicConstraintsExtension(use.kind === 'authority', undefined, true),
    new KeyUsagesExtension(keyUsage, true),
    new SubjectKeyIdentifierExtension(keyIdentifierHex(publicKeySpki)),
    new AuthorityKeyIdentifierExtension(keyIdentifierHex(issuer.publicKeySpki)),
  ];
  if (use.kind === 'tls') {
    extensions.push(
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([
        ...use.dnsNames.map((value) => ({ type: 'dns' as const, value })),
        ...use.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
      ]),
    );
  }
  if (use.kind === 'signer' && use.attributes !== undefined) {
    const attributes = new Uint8Array(encodeFabricAttributes(use.attributes));
    extensions.push(new Extension(FABRIC_ATTRIBUTES_OID, false, attributes));
  }
  return extensions;
}

/** SHA-256 of the uncompressed point, as Fabric's cryptogen does (the point ends the SubjectPublicKeyInfo). */
export function keyIdentifierHex(publicKeySpki: Uint8Array): string {
  return createHash('sha256').update(publicKeySpki.subarray(-POINT_BYTES)).digest('hex');
}

/** The first element of the outer SEQUENCE of a certificate or a list, header included (RFC 5280 sections 4.1, 5.1). */
export function toBeSigned(certificateDer: Uint8Array): Uint8Array {
  const start = headerOf(certificateDer, 0).contentAt;
  return certificateDer.subarray(start, headerOf(certificateDer, start).endAt);
}

function headerOf(der: Uint8Array, at: number): { contentAt: number; endAt: number } {
  const first = der[at + 1] ?? 0;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  let length = first < 0x80 ? first : 0;
  for (let index = 0; index < lengthBytes; index += 1) length = length * 256 + (der[at + 2 + index] ?? 0);
  const contentAt = at + 2 + lengthBytes;
  return { contentAt, endAt: contentAt + length };
}

function signLowS(message: Uint8Array, privateKey: KeyObject): Uint8Array<ArrayBuffer> {
  const signature = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
  if (s > HALF_ORDER) signature.write((ORDER - s).toString(16).padStart(64, '0'), 32, 'hex');
  return new Uint8Array(signature);
}
