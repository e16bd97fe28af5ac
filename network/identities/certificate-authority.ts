import { createHash, createPublicKey } from 'node:crypto';
import { issueCertificate } from './certificate.js';
import type { FabricAttributes } from './fabric-attributes.js';
import { IdentitiesError } from './identities-error.js';
import { authorityPaths, issuedListPath, organisationFolder } from './identity-paths.js';
import { type IssuedList, openIssuedList } from './issued-list.js';
import { issuerOf, type KeyPair, readKeyPair } from './key-pair.js';
import { parseMspId } from './organisation-file.js';
import { authoritySubject, BACKDATED_MS } from './organisation-folder.js';

export interface MemberCertificateRequest {
  /** P-256 SubjectPublicKeyInfo, DER. Its private key stays with its owner. */
  readonly publicKeySpki: Uint8Array;
  readonly memberId: string;
  readonly role: string;
  /** Staff act for an agency; patients for none. */
  readonly agencyId?: string;
  readonly ou: 'client' | 'admin';
  /** Epoch milliseconds; five years from now where left out, and never later than the authority's own end. */
  readonly notAfterMs?: number;
}

export interface CertificateAuthority {
  readonly mspId: string;
  /**
   * Issues an enrolment certificate with Fabric's attributes `memberId`, `role`, `agencyId` and `hf.EnrollmentID`.
   * The certificate's serial number is on disk in `ca/issued.jsonl` before the promise settles. The authority does
   * not check that the caller holds the private key: whoever registers the member does, by a signature of theirs.
   *
   * @returns the certificate, PEM
   * @throws IdentitiesError MEMBER_REQUEST_INVALID
   */
  issueMember(request: MemberCertificateRequest): Promise<string>;
}

/** Certificates are public, keys are compared: the end is a bound on forgotten ones, not a session. */
const MEMBER_LIFE_MS = 5 * 365 * 86_400_000;
const MEMBER_ROLES: readonly string[] = ['patient', 'doctor', 'nurse', 'insurer', 'government', 'auditor', 'admin'];
const ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,63}$/;

/**
 * The certificate authority of one organisation, from the folder that `ensureIdentities` made.
 *
 * @throws IdentitiesError IDENTITIES_UNREADABLE
 */
export function openCertificateAuthority(
  dataDir: string,
  domain: string,
  options: { readonly nowMs?: () => number } = {},
): CertificateAuthority {
  const folder = organisationFolder(dataDir, domain);
  const mspId = parseMspId(folder);
  const ca = readKeyPair(authorityPaths(folder, domain, 'ca'));
  const issued = openIssuedList(issuedListPath(folder));
  const nowMs = options.nowMs ?? Date.now;
  return { mspId, issueMember: (request) => issueMember({ ca, domain, issued, nowMs: nowMs() }, request) };
}

async function issueMember(
  authority: { ca: KeyPair; domain: string; issued: IssuedList; nowMs: number },
  request: MemberCertificateRequest,
): Promise<string> {
  const { ca, domain, nowMs } = authority;
  const { memberId, role, agencyId, ou } = request;
  requireMember(request);
  const publicKeySpki = parseSigningKey(request.publicKeySpki);
  const notAfterMs = Math.min(request.notAfterMs ?? nowMs + MEMBER_LIFE_MS, ca.certificate.validToDate.getTime());
  if (notAfterMs <= nowMs) throw invalid(`notAfterMs of ${memberId} lies in the past; choose a later one`);
  const certificate = await issueCertificate({
    subject: { commonName: memberId, unit: ou },
    publicKeySpki,
    issuer: issuerOf(ca, authoritySubject('ca', domain)),
    notBeforeMs: nowMs - BACKDATED_MS,
    notAfterMs,
    use: { kind: 'signer', attributes: memberAttributes(request) },
  });
  authority.issued.append({
    serialHex: certificate.serialHex,
    memberId,
    role,
    ...(agencyId === undefined ? {} : { agencyId }),
    ou,
    keyHashHex: createHash('sha256').update(publicKeySpki).digest('hex'),
    issuedAt: new Date(nowMs).toISOString(),
    notAfter: new Date(notAfterMs).toISOString(),
  });
  return certificate.pem;
}

function memberAttributes({ memberId, role, agencyId }: MemberCertificateRequest): FabricAttributes {
  return { memberId, role, ...(agencyId === undefined ? {} : { agencyId }), 'hf.EnrollmentID': memberId };
}

function requireMember({ memberId, role, agencyId }: MemberCertificateRequest): void {
  if (!ID_PATTERN.test(memberId)) throw invalid('memberId takes 1 to 64 of a-z, 0-9 and hyphen, no hyphen first');
  if (!MEMBER_ROLES.includes(role)) throw invalid(`role is none of ${MEMBER_ROLES.join(', ')}`);
  if (agencyId !== undefined && !ID_PATTERN.test(agencyId)) {
    throw invalid('agencyId takes 1 to 64 of a-z, 0-9 and hyphen, no hyphen first');
  }
}

/** Refuses other curves and anything that is not the one DER encoding of its key. */
function parseSigningKey(spki: Uint8Array): Uint8Array {
  const key = readPublicKey(spki);
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw invalid('publicKeySpki is not a P-256 key');
  const canonical = key.export({ type: 'spki', format: 'der' });
  if (!canonical.equals(spki)) throw invalid('publicKeySpki is not in its one DER encoding, point uncompressed');
  return canonical;
}

function readPublicKey(spki: Uint8Array): ReturnType<typeof createPublicKey> {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new IdentitiesError('MEMBER_REQUEST_INVALID', 'publicKeySpki is not a SubjectPublicKeyInfo in DER.', {
      cause,
    });
  }
}

function invalid(detail: string): IdentitiesError {
  return new IdentitiesError('MEMBER_REQUEST_INVALID', `${detail}.`);
}
