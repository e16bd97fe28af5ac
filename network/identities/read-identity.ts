import { type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { type LedgerTopology, type Organisation, ordererDomainOf, type Topology } from '../topology.js';
import { unreadable } from './identities-error.js';
import {
  authorityPaths,
  chaincodeFolder,
  gatewayFolder,
  gatewayHost,
  mspKeyPair,
  nodeFolder,
  ORDERER_MSP_ID,
  type OrganisationKind,
  organisationFolder,
  type ServiceUser,
  tlsPaths,
  userFolder,
} from './identity-paths.js';
import { type KeyPair, readCertificate, readKeyPair, readText } from './key-pair.js';
import { parseMspId } from './organisation-file.js';
import { type Revocation, readRevocations } from './revocation-list.js';

/** Alternative names only, and no wildcards: a subject is free text. */
const EXACTLY = { subject: 'never', wildcards: false } as const;

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

/** Whose TLS certificate: gateway and chaincode have one per organisation, peers and orderers one per host. */
export type TlsOwner =
  | { readonly kind: 'gateway' }
  | { readonly kind: 'chaincode' }
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

/** Who changes the channel for an organisation: one with members, or the ordering one. */
export function readAdminIdentity(dataDir: string, domain: string, kind: OrganisationKind = 'peer'): Identity {
  const folder = organisationFolder(dataDir, domain, kind);
  const mspFolder = join(userFolder(folder, 'Admin', domain), 'msp');
  return identityOf(folder, readKeyPair(mspKeyPair(mspFolder, `Admin@${domain}`)));
}

/** The key that a peer endorses with. */
export function readPeerIdentity(dataDir: string, domain: string, host: string): Identity {
  const folder = organisationFolder(dataDir, domain);
  return identityOf(folder, readKeyPair(mspKeyPair(join(nodeFolder(folder, host, 'peer'), 'msp'), host)));
}

/** The key that the orderer signs blocks with. */
export function readOrdererIdentity(dataDir: string, domain: string, host: string): Identity {
  const folder = organisationFolder(dataDir, domain, 'orderer');
  return identityOf(folder, readKeyPair(mspKeyPair(join(nodeFolder(folder, host, 'orderer'), 'msp'), host)));
}

/** @param domain - of the organisation; for an orderer that of the ordering one */
export function readTls(dataDir: string, domain: string, owner: TlsOwner): TlsMaterial {
  const kind = owner.kind === 'orderer' ? 'orderer' : 'peer';
  const folder = organisationFolder(dataDir, domain, kind);
  const paths = tlsPaths(ownerFolder(folder, owner));
  const { certificatePem } = readKeyPair(paths);
  return { certificatePem, keyPem: readText(paths.key), caPem: readText(paths.authority) };
}

function ownerFolder(organisation: string, owner: TlsOwner): string {
  switch (owner.kind) {
    case 'gateway':
      return gatewayFolder(organisation);
    case 'chaincode':
      return chaincodeFolder(organisation);
    default:
      return nodeFolder(organisation, owner.host, owner.kind);
  }
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
  return [...members, ordererDefinition(dataDir, topology)];
}

/** Trust anchors of the ordering organisation, whose nodes sign blocks. */
export function ordererDefinition(dataDir: string, topology: LedgerTopology): MspDefinition {
  return definitionOf(dataDir, ORDERER_MSP_ID, ordererDomainOf(topology), 'orderer');
}

/**
 * Tells which organisation's gateway is at the other end of a mutual TLS connection. The handshake only proves that
 * *one* of the authorities in the bundle vouches for the certificate, and any of them could write any name into it: the
 * organisation is the one whose own authority signed. That authority signs for peers and chaincode services too, which
 * have no business here: the certificate has to name the gateway.
 *
 * @returns a function from the certificate's DER (`socket.getPeerCertificate().raw`) to the organisation, or to
 * undefined where it is not one that an organisation's authority gave to its gateway
 */
export function organisationByTlsCertificate(
  dataDir: string,
  topology: Topology,
): (certificateDer: Uint8Array) => Organisation | undefined {
  const authorities = topology.organisations.map((organisation) => ({
    organisation,
    host: gatewayHost(organisation.domain),
    publicKey: new X509Certificate(tlsCaPem(dataDir, organisation.domain)).publicKey,
  }));
  return (certificateDer) => {
    const certificate = new X509Certificate(certificateDer);
    const isGateway = (host: string) => certificate.checkHost(host, EXACTLY) === host;
    return authorities.find(({ host, publicKey }) => isGateway(host) && certificate.verify(publicKey))?.organisation;
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
