import { memberIssuer } from '../../network/identities/index.js';
import type { Organisation } from '../../network/topology.js';
import { GatewayError } from './identity-errors.js';
import { generateMemberKeys, type UnlockedIdentity, unlockedIdentity } from './member-keys.js';
import { requirePassword } from './password-key.js';
import { signDer } from './signatures.js';
import type { WalletStore } from './wallet-store.js';

/** Port: whoever certifies members' keys for this gateway's organisation. Safe to call at once from many places. */
export interface CertificateIssuer {
  readonly mspId: string;
  /**
   * The certificate is listed by its issuer, durably, before the promise settles.
   *
   * @returns PEM
   */
  issueMember(request: {
    /** P-256 SubjectPublicKeyInfo, DER. */
    readonly publicKeySpki: Uint8Array;
    readonly memberId: string;
    readonly role: string;
    readonly agencyId?: string;
    readonly ou: 'client' | 'admin';
    /** ECDSA with SHA-256 over the bytes, ASN.1 DER: an authority elsewhere wants to see that the key is held. */
    readonly sign?: (bytes: Uint8Array) => Promise<Uint8Array>;
  }): Promise<string>;
}

/** What a member says of itself at the door. */
export interface EnrolmentRequest {
  readonly role: string;
  readonly agencyId?: string;
  readonly password: string;
  /** Names the member, given its new signing key (SPKI, DER): a patient's pseudonym certifies the key. */
  readonly memberIdFor: (signingPublicKeySpki: Uint8Array) => string;
}

export interface Enrolment {
  readonly mspId: string;
  /**
   * Makes a member's keys, certificate and wallet. All is durable on return; nothing is on the ledger yet, and a
   * member whose registration fails there is taken back with `WalletStore.remove`.
   *
   * @returns the new member, signed in: it signs its own registration
   * @throws GatewayError WEAK_PASSWORD, MEMBER_EXISTS
   */
  enrol(request: EnrolmentRequest): Promise<UnlockedIdentity>;
}

export function createEnrolment(issuer: CertificateIssuer, wallets: WalletStore): Enrolment {
  return { mspId: issuer.mspId, enrol: (request) => enrol(issuer, wallets, request) };
}

/** The organisation's Fabric CA where the topology names one, else the authority in the data folder. */
export function certificateIssuer(dataDir: string, organisation: Organisation): CertificateIssuer {
  return memberIssuer(dataDir, organisation);
}

async function enrol(
  issuer: CertificateIssuer,
  wallets: WalletStore,
  { role, agencyId, password, memberIdFor }: EnrolmentRequest,
): Promise<UnlockedIdentity> {
  requirePassword(password);
  const keys = generateMemberKeys();
  const memberId = memberIdFor(keys.signingPublicKeySpki);
  // Asked before the certificate is issued, so that a taken name leaves no certificate behind.
  if (wallets.has(memberId)) {
    throw new GatewayError('MEMBER_EXISTS', `${memberId} has a wallet here already; sign in instead.`);
  }
  const member = { memberId, role, ...(agencyId === undefined ? {} : { agencyId }) };
  const certificatePem = await issuer.issueMember({
    ...member,
    publicKeySpki: keys.signingPublicKeySpki,
    ou: 'client',
    sign: async (bytes) => signDer(keys.signingKey, bytes),
  });
  const card = { ...member, mspId: issuer.mspId, certificatePem };
  await wallets.create({ ...card, keys, password });
  return unlockedIdentity(card, keys);
}
