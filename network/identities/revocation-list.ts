// tsyringe inside @peculiar/x509 refuses to load without this polyfill.
import 'reflect-metadata';
import { type KeyObject, verify, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { AuthorityKeyIdentifierExtension, PemConverter, X509Crl, X509CrlGenerator } from '@peculiar/x509';
import { keyIdentifierHex, toBeSigned } from './certificate.js';
import { PUBLIC_FILE_MODE, replaceFile } from './durable-file.js';
import { IdentitiesError, unreadable } from './identities-error.js';
import { authorityPaths, organisationFolder, revocationListPath } from './identity-paths.js';
import { readCertificate, readKeyPair, readText } from './key-pair.js';
import { BACKDATED_MS } from './organisation-folder.js';

/** A certificate that its authority has taken back. */
export interface Revocation {
  /** Lower-case hex without leading zeros. */
  readonly serialHex: string;
  readonly revokedAtMs: number;
}

/** Nobody renews the list by the clock: it is replaced at the next revocation, so it must not end before that. */
const LIST_LIFE_MS = 20 * 365 * 86_400_000;

/**
 * A list counts this much later than it is written: by then every part of a running embedded ledger has read it, and
 * all of them judge a transaction alike, now and in a replay. Fabric goes by the list alone and not by its times.
 */
export const REVOCATION_DELAY_MS = 2_000;

/**
 * Takes a certificate back: puts it on the authority's list, `msp/crls/`, where Fabric's own tools look for it. The
 * embedded ledger follows the list; a running Fabric channel learns of it by a config update.
 * Safe to repeat. Durable when the promise settles.
 *
 * @param certificatePem - issued by this organisation's authority
 * @throws IdentitiesError MEMBER_REQUEST_INVALID for another authority's certificate; IDENTITIES_UNREADABLE
 */
export async function revokeCertificate(
  dataDir: string,
  domain: string,
  certificatePem: string,
  options: { readonly nowMs?: () => number; readonly delayMs?: number } = {},
): Promise<void> {
  if (!isIssuedBy(dataDir, domain, certificatePem)) {
    throw new IdentitiesError(
      'MEMBER_REQUEST_INVALID',
      `The certificate was not issued by the authority of ${domain}.`,
    );
  }
  const { serialNumber } = new X509Certificate(certificatePem);
  await revokeSerials(dataDir, domain, [serialHexOf(serialNumber)], options);
}

/** Whether the certificate authority of an organisation signed the certificate. */
export function isIssuedBy(dataDir: string, domain: string, certificatePem: string): boolean {
  const { certificate } = authorityPaths(organisationFolder(dataDir, domain), domain, 'ca');
  return new X509Certificate(certificatePem).verify(readCertificate(certificate).publicKey);
}

/**
 * As `revokeCertificate`, for certificates of which only the list of what was issued is at hand.
 *
 * @param serialsHex - lower-case hex without leading zeros, of certificates of this authority
 * @returns how many were not on the list yet
 */
export async function revokeSerials(
  dataDir: string,
  domain: string,
  serialsHex: readonly string[],
  options: { readonly nowMs?: () => number; readonly delayMs?: number } = {},
): Promise<number> {
  const folder = organisationFolder(dataDir, domain);
  const authority = readKeyPair(authorityPaths(folder, domain, 'ca'));
  const nowMs = (options.nowMs ?? Date.now)();
  const revokedAtMs = nowMs + (options.delayMs ?? 0);
  const known = readRevocations(dataDir, domain);
  const fresh = serialsHex.filter((serial) => !known.some(({ serialHex }) => serialHex === serial));
  if (fresh.length === 0) return 0;
  const revocations = [...known, ...fresh.map((serialHex) => ({ serialHex, revokedAtMs }))];
  const path = revocationListPath(folder, domain);
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, await signedList(revocations, authority, nowMs), PUBLIC_FILE_MODE);
  return fresh.length;
}

/** Where the list of an organisation's authority lies; there is none before the first revocation. */
export function revocationListFile(dataDir: string, domain: string): string {
  return revocationListPath(organisationFolder(dataDir, domain), domain);
}

/**
 * What the authority of an organisation has taken back; empty when it has no list.
 *
 * @throws IdentitiesError IDENTITIES_UNREADABLE also for a list that the authority did not sign: reading on without it
 * would let everybody on it in again
 */
export function readRevocations(dataDir: string, domain: string): readonly Revocation[] {
  const folder = organisationFolder(dataDir, domain);
  const path = revocationListPath(folder, domain);
  if (!existsSync(path)) return [];
  return readRevocationList(path, readText(authorityPaths(folder, domain, 'ca').certificate));
}

/**
 * What stands in a list, wherever it lies.
 *
 * @throws IdentitiesError IDENTITIES_UNREADABLE unless this authority signed it
 */
export function readRevocationList(path: string, authorityPem: string): readonly Revocation[] {
  const { publicKey } = new X509Certificate(authorityPem);
  return parseList(path, publicKey).entries.map(({ serialNumber, revocationDate }) => ({
    serialHex: serialHexOf(serialNumber),
    revokedAtMs: revocationDate.getTime(),
  }));
}

/** One spelling for what two libraries print, with and without leading zeros, in upper and lower case. */
export function serialHexOf(serialNumber: string): string {
  return serialNumber.toLowerCase().replace(/^0+(?=.)/, '');
}

function parseList(path: string, authorityKey: KeyObject): X509Crl {
  let list: X509Crl;
  try {
    list = new X509Crl(readText(path));
  } catch (cause) {
    throw unreadable(path, 'is not a certificate revocation list in PEM', cause);
  }
  if (!verify('sha256', toBeSigned(new Uint8Array(list.rawData)), authorityKey, Buffer.from(list.signature))) {
    throw unreadable(path, 'was not signed by the certificate authority of its folder');
  }
  return list;
}

async function signedList(
  revocations: readonly Revocation[],
  authority: ReturnType<typeof readKeyPair>,
  nowMs: number,
): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const pkcs8 = authority.privateKey.export({ format: 'der', type: 'pkcs8' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), algorithm, false, ['sign']);
  const list = await X509CrlGenerator.create(
    {
      issuer: subjectOf(authority.certificate),
      thisUpdate: new Date(nowMs - BACKDATED_MS),
      nextUpdate: new Date(nowMs + LIST_LIFE_MS),
      signingAlgorithm: algorithm,
      signingKey,
      entries: revocations.map(({ serialHex, revokedAtMs }) => ({
        // An even number of digits, the first below 8: an INTEGER in DER is signed.
        serialNumber: `00${serialHex}`.slice(-(serialHex.length + 1 + ((serialHex.length + 1) % 2))),
        revocationDate: new Date(revokedAtMs),
      })),
      // Fabric finds the list of an authority by its key identifier, and passes over a list without one.
      extensions: [new AuthorityKeyIdentifierExtension(keyIdentifierHex(authority.publicKeySpki))],
    },
    webcrypto,
  );
  // The label that OpenSSL and Go read; the library writes another, and reads any.
  return PemConverter.encode(list.rawData, 'X509 CRL').concat('\n');
}

/** As in the certificates that the authority issues: organisation before common name. */
function subjectOf(certificate: X509Certificate): Record<string, string[]>[] {
  return certificate.subject.split('\n').map((part) => {
    const [type = '', ...value] = part.split('=');
    return { [type]: [value.join('=')] };
  });
}
