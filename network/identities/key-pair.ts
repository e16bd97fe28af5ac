import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { Issuer, Subject } from './certificate.js';
import { PRIVATE_FILE_MODE, PUBLIC_FILE_MODE, replaceFile } from './durable-file.js';
import { unreadable } from './identities-error.js';
import type { KeyPairPaths } from './identity-paths.js';

/** A certificate and the private key to it, both read and found to belong together. */
export interface KeyPair {
  readonly certificate: X509Certificate;
  readonly certificatePem: string;
  readonly privateKey: KeyObject;
  readonly publicKeySpki: Uint8Array;
}

/** A certificate ends at least this much later, or it is renewed over the same key. */
export const RENEW_BEFORE_END_MS = 60 * 86_400_000;

/**
 * Reads a certificate and its key, or makes what is missing. The key is written first: a certificate without its
 * key is worth nothing, a key without its certificate only waits for one.
 *
 * @param wanted.issue - issues a certificate, PEM, over this public key
 * @param wanted.issuedBy - undefined where the certificate signs itself
 * @throws IdentitiesError IDENTITIES_UNREADABLE
 */
export async function ensureKeyPair(
  paths: KeyPairPaths,
  wanted: {
    readonly issue: (publicKeySpki: Uint8Array, privateKey: KeyObject) => Promise<string>;
    readonly issuedBy: KeyPair | undefined;
    readonly nowMs: number;
    readonly renewBeforeEndMs?: number;
  },
): Promise<KeyPair> {
  const privateKey = ensureKey(paths, wanted.issuedBy === undefined);
  const publicKeySpki = spkiOf(privateKey);
  const found = existsSync(paths.certificate) ? readCertificate(paths.certificate) : undefined;
  if (found !== undefined) {
    requireMatch(paths, found, privateKey, wanted.issuedBy);
    const renewBeforeEndMs = wanted.renewBeforeEndMs ?? RENEW_BEFORE_END_MS;
    if (found.validToDate.getTime() > wanted.nowMs + renewBeforeEndMs) {
      return pairOf(found, readText(paths.certificate), privateKey);
    }
  }
  const certificatePem = await wanted.issue(publicKeySpki, privateKey);
  replaceFile(paths.certificate, certificatePem, PUBLIC_FILE_MODE);
  return pairOf(new X509Certificate(certificatePem), certificatePem, privateKey);
}

/** @throws IdentitiesError IDENTITIES_UNREADABLE, where one is missing as well */
export function readKeyPair(paths: KeyPairPaths): KeyPair {
  const privateKey = readPrivateKey(paths.key);
  const certificate = readCertificate(paths.certificate);
  requireMatch(paths, certificate, privateKey, undefined);
  return pairOf(certificate, readText(paths.certificate), privateKey);
}

export function readCertificate(path: string): X509Certificate {
  const pem = readText(path);
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unreadable(path, 'is not a certificate in PEM', cause);
  }
}

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw unreadable(path, 'cannot be read', cause);
  }
}

export function issuerOf(pair: KeyPair, subject: Subject): Issuer {
  return { subject, publicKeySpki: pair.publicKeySpki, privateKey: pair.privateKey };
}

export function spkiOf(key: KeyObject): Uint8Array {
  return createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).export({ type: 'spki', format: 'der' });
}

function ensureKey(paths: KeyPairPaths, isAuthority: boolean): KeyObject {
  if (existsSync(paths.key)) {
    const privateKey = readPrivateKey(paths.key);
    if ((statSync(paths.key).mode & 0o077) !== 0) chmodSync(paths.key, PRIVATE_FILE_MODE);
    return privateKey;
  }
  if (existsSync(paths.certificate)) {
    // Members' certificates hang on an authority's key: a new one would disown all of them.
    if (isAuthority) throw unreadable(paths.key, 'is missing while its certificate is there');
    rmSync(paths.certificate);
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  replaceFile(paths.key, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), PRIVATE_FILE_MODE);
  return privateKey;
}

function readPrivateKey(path: string): KeyObject {
  const pem = readText(path);
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw unreadable(path, 'is not a private key in PKCS#8 PEM', cause);
  }
}

function requireMatch(
  paths: KeyPairPaths,
  certificate: X509Certificate,
  privateKey: KeyObject,
  issuedBy: KeyPair | undefined,
): void {
  if (!certificate.checkPrivateKey(privateKey)) {
    throw unreadable(paths.certificate, `does not belong to the key ${paths.key}`);
  }
  if (issuedBy !== undefined && !certificate.verify(issuedBy.certificate.publicKey)) {
    throw unreadable(paths.certificate, 'was not issued by the certificate authority of its folder');
  }
}

function pairOf(certificate: X509Certificate, certificatePem: string, privateKey: KeyObject): KeyPair {
  return { certificate, certificatePem, privateKey, publicKeySpki: spkiOf(privateKey) };
}
