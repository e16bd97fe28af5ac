import { type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { type LedgerTopology, ORDERER_DOMAIN, type Organisation, type Topology } from '../topology.js';
import { unreadable } from './identities-error.js';
import {
  authorityPaths,
  gatewayFolder,
  mspKeyPair,
  nodeFolder,
  ORDERER_MSP_ID,
  organisationFolder,
  type ServiceUser,
  tlsPaths,
  userFolder,
} from './identity-paths.js';
import { type KeyPair, readCertificate, readKeyPair, readText } from './key-pair.js';
import { parseMspId } from './organisation-file.js';
import { type Revocation, readRevocations } from './revocation-list.js';

/** Whoever signs for an organisation: one of its services, its peer, the orderer. */
export interface Identity {
  readonly mspId: string;
  readonly certificatePem: string;
  readonly privateKey: KeyObject;
}

/** What a TLS server, or a client with a certificate, is opened with; `ca` is its own organisation's TLS authority. */
export interface TlsMaterial {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly caPem: string;
}

/** Whose TLS certificate: a gateway has one per organisation, peers and orderers one per host. */
export type TlsOwner =
  | { readonly kind: 'gateway' }
  | { readonly kind: 'peer'; readonly host: string }
  | { readonly kind: 'orderer'; readonly host: string };

/** Who may sign for an MSP: whoever holds a certificate by one of these authorities. */
export interface MspDefinition {
  readonly mspId: string;
  readonly caCertPems: readonly string[];
  readonly tlsCaCertPems: readonly string[];
  /** Certificates that those authorities have taken back. */
  readonly revocations: readonly Revocation[];
}

/**
 * A service identity of an organisation.
 *
 * @throws IdentitiesError IDENTITIES_UNREADABLE
 */
export function readIdentity(dataDir: string, domain: string, user: ServiceUser): Identity {
  const folder = organisationFolder(dataDir, domain);
  const mspFolder = join(userFolder(folder, user, domain), 'msp');
  return identityOf(folder, readKeyPair(mspKeyPair(mspFolder, `${user}@${domain}`)));
}

/** The key that a peer endorses with. */
export function readPeerIdentity(dataDir: string, domain: string, host: string): Identity {
  const folder = organisationFolder(dataDir, domain);
  return identityOf(folder, readKeyPair(mspKeyPair(join(nodeFolder(folder, host, 'peer'), 'msp'), host)));
}

/** The key that the orderer signs blocks with. */
export function readOrdererIdentity(dataDir: string, host: string): Identity {
  const folder = organisationFolder(dataDir, ORDERER_DOMAIN, 'orderer');
  return identityOf(folder, readKeyPair(mspKeyPair(join(nodeFolder(folder, host, 'orderer'), 'msp'), host)));
}

/** @param domain - of the organisation; for an orderer `ORDERER_DOMAIN` */
export function readTls(dataDir: string, domain: string, owner: TlsOwner): TlsMaterial {
  const kind = owner.kind === 'orderer' ? 'orderer' : 'peer';
  const folder = organisationFolder(dataDir, domain, kind);
  const paths = tlsPaths(owner.kind === 'gateway' ? gatewayFolder(folder) : nodeFolder(folder, owner.host, kind));
  const { certificatePem } = readKeyPair(paths);
  return { certificatePem, keyPem: readText(paths.key), caPem: readText(paths.authority) };
}

/** The TLS authorities of all organisations, one after another in PEM: what a gateway trusts at its internal port. */
export function tlsCaBundle(dataDir: string, topology: LedgerTopology): string {
  return topology.organisations.map(({ domain }) => tlsCaPem(dataDir, domain)).join('');
}

/** Trust anchors of the channel's members, and of the orderer where `includeOrderer`. */
export function mspDefinitions(
  dataDir: string,
  topology: LedgerTopology,
  options: { readonly includeOrderer: boolean },
): MspDefinition[] {
  const members = topology.organisations.map(({ mspId, domain }) => definitionOf(dataDir, mspId, domain, 'peer'));
  if (!options.includeOrderer) return members;
  return [...members, definitionOf(dataDir, ORDERER_MSP_ID, ORDERER_DOMAIN, 'orderer')];
}

/**
 * Tells which organisation is at the other end of a mutual TLS connection. The handshake only proves that *one* of
 * the authorities in the bundle vouches for the certificate, and any of them could write any name into it: the
 * organisation is the one whose own authority signed.
 *
 * @returns a function from the certificate's DER (`socket.getPeerCertificate().raw`) to the organisation, or to
 * undefined where no organisation's authority signed it
 */
export function organisationByTlsCertificate(
  dataDir: string,
  topology: Topology,
): (certificateDer: Uint8Array) => Organisation | undefined {
  const authorities = topology.organisations.map((organisation) => ({
    organisation,
    publicKey: new X509Certificate(tlsCaPem(dataDir, organisation.domain)).publicKey,
  }));
  return (certificateDer) => {
    const certificate = new X509Certificate(certificateDer);
    return authorities.find(({ publicKey }) => certificate.verify(publicKey))?.organisation;
  };
}

function definitionOf(dataDir: string, mspId: string, domain: string, kind: 'peer' | 'orderer'): MspDefinition {
  const folder = organisationFolder(dataDir, domain, kind);
  if (parseMspId(folder) !== mspId) throw unreadable(folder, `is not the folder of ${mspId}`);
  return {
    mspId,
    caCertPems: [authorityPem(folder, domain, 'ca')],
    tlsCaCertPems: [authorityPem(folder, domain, 'tlsca')],
    revocations: kind === 'peer' ? readRevocations(dataDir, domain) : [],
  };
}

function tlsCaPem(dataDir: string, domain: string): string {
  return authorityPem(organisationFolder(dataDir, domain), domain, 'tlsca');
}

function authorityPem(organisation: string, domain: string, authority: 'ca' | 'tlsca'): string {
  const { certificate } = authorityPaths(organisation, domain, authority);
  readCertificate(certificate);
  return readText(certificate);
}

function identityOf(organisation: string, { certificatePem, privateKey }: KeyPair): Identity {
  return { mspId: parseMspId(organisation), certificatePem, privateKey };
}
