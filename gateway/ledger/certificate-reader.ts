// tsyringe inside @peculiar/x509 refuses to load without this polyfill.
import 'reflect-metadata';
import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import { keyHashOf } from '@medledger/chaincode/domain';
import { X509Certificate as X509 } from '@peculiar/x509';

/** What the gateway needs of a creator's certificate. */
export interface ReadCertificate {
  readonly publicKey: KeyObject;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly keyHash: string;
  /** From Fabric's attribute extension. */
  readonly memberId?: string;
}

/** Certificates to remember: members who are active at the same time. */
const REMEMBERED_MAX = 2_000;
/** Fabric CA's attributes: JSON {"attrs": {...}}. */
const FABRIC_ATTRIBUTES_OID = '1.2.3.4.5.6.7.8.1';

/** @returns undefined when it is no certificate */
export type CertificateReader = (certificatePem: string) => ReadCertificate | undefined;

/**
 * Parses each certificate once. Nothing is said here about who issued it: peers check that before they commit.
 */
export function createCertificateReader(): CertificateReader {
  const remembered = new Map<string, ReadCertificate | undefined>();
  return (certificatePem) => {
    if (remembered.has(certificatePem)) return remembered.get(certificatePem);
    const read = readCertificate(certificatePem);
    const [oldest] = remembered.keys();
    if (remembered.size >= REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
    remembered.set(certificatePem, read);
    return read;
  };
}

/** ECDSA with SHA-256, DER. */
export function isSignedBy(certificatePem: string, message: Uint8Array, signature: Uint8Array): boolean {
  const certificate = readCertificate(certificatePem);
  return certificate !== undefined && verify('sha256', message, certificate.publicKey, signature);
}

function readCertificate(certificatePem: string): ReadCertificate | undefined {
  try {
    const certificate = new X509Certificate(certificatePem);
    const { publicKey } = certificate;
    const keyHash = keyHashOf(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })));
    const memberId = memberIdOf(certificate.raw);
    return { publicKey, keyHash, ...(memberId === undefined ? {} : { memberId }) };
  } catch {
    return undefined;
  }
}

function memberIdOf(der: Uint8Array): string | undefined {
  const extension = new X509(new Uint8Array(der)).getExtension(FABRIC_ATTRIBUTES_OID);
  if (extension === null) return undefined;
  const attributes = parseAttributes(Buffer.from(extension.value).toString('utf8'));
  return typeof attributes.memberId === 'string' ? attributes.memberId : undefined;
}

function parseAttributes(json: string): { readonly [name: string]: unknown } {
  const value = JSON.parse(json) as { attrs?: { [name: string]: unknown } } | null;
  return value?.attrs ?? {};
}
