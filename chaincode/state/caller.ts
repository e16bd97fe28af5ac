import { X509Certificate } from 'node:crypto';
import type { Context } from 'fabric-contract-api';
import {
  agencyId as parseAgencyId,
  memberId as parseMemberId,
  DomainError,
  keyHashOf,
  type AgencyId,
  type MemberId,
  toBase64url,
} from '../domain/index.js';
import { memo } from './memo.js';

/** Who signed the proposal, as the certificate says; the register must agree (see requireRegistered). */
export interface Caller {
  readonly memberId: MemberId;
  readonly role: string;
  readonly agencyId?: AgencyId;
  /** From the creator. The stub's own getMspID() names the peer's organisation, out of an environment variable. */
  readonly mspId: string;
  /** P-256 SubjectPublicKeyInfo, base64url. */
  readonly signingKey: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly keyHash: string;
}

/** A certificate is 1 KB of PEM; parsing one costs more than all rules of a transaction. */
const CERTIFICATES_REMEMBERED_MAX = 1000;

/** Exactly one block: peer, contract-api and OpenSSL must not see different certificates in the same bytes. */
const ONE_CERTIFICATE = /^-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*$/;

const keyOf = memo((pem: string) => {
  if (!ONE_CERTIFICATE.test(pem)) throw new DomainError('CALLER_UNKNOWN', 'the identity is not one PEM certificate');
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return { signingKey: toBase64url(spki), keyHash: keyHashOf(spki) };
}, CERTIFICATES_REMEMBERED_MAX);

/** @throws DomainError CALLER_UNKNOWN when the certificate names no member */
export function callerOf({ clientIdentity }: Context): Caller {
  const attribute = (name: string): string | undefined => clientIdentity.getAttributeValue(name) ?? undefined;
  const agency = attribute('agencyId');
  const certificatePem = Buffer.from(clientIdentity.getIDBytes()).toString('latin1');
  try {
    return {
      memberId: parseMemberId(attribute('memberId'), '/memberId'),
      role: attribute('role') ?? '',
      ...(agency === undefined ? {} : { agencyId: parseAgencyId(agency, '/agencyId') }),
      mspId: clientIdentity.getMSPID(),
      ...keyOf(certificatePem),
    };
  } catch (cause) {
    if (!(cause instanceof DomainError)) throw cause;
    throw new DomainError('CALLER_UNKNOWN', `the certificate's attributes name no member (${cause.message})`, {
      cause,
    });
  }
}
