import { join } from 'node:path';

/** Fabric's two kinds of organisation folder. */
export type OrganisationKind = 'peer' | 'orderer';

/** Where a certificate and the private key to it lie. */
export interface KeyPairPaths {
  readonly certificate: string;
  readonly key: string;
}

/** Who the service identities of an organisation are; each has a folder under `users/`. */
export const SERVICE_USERS = ['Admin', 'Custodian', 'Registrar'] as const;
/** Those of an organisation that runs no gateway. */
export const PLAIN_USERS = ['Admin'] as const;
export type ServiceUser = (typeof SERVICE_USERS)[number];

export const ORDERER_MSP_ID = 'OrdererMSP';

const KIND_FOLDERS: Readonly<Record<OrganisationKind, { organisations: string; nodes: string }>> = {
  peer: { organisations: 'peerOrganizations', nodes: 'peers' },
  orderer: { organisations: 'ordererOrganizations', nodes: 'orderers' },
};

/**
 * The folder of one organisation, as `cryptogen` lays it out for Fabric's test network.
 *
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/membership/membership.html#msp-structure
 */
export function organisationFolder(dataDir: string, domain: string, kind: OrganisationKind = 'peer'): string {
  return join(dataDir, 'organizations', KIND_FOLDERS[kind].organisations, domain);
}

export function authorityPaths(organisation: string, domain: string, authority: 'ca' | 'tlsca'): KeyPairPaths {
  return {
    certificate: join(organisation, authority, `${authority}.${domain}-cert.pem`),
    key: join(organisation, authority, 'priv_sk'),
  };
}

/** What names the organisation of the folder: `{mspId, domain}`. Fabric has no such file and passes it over. */
export function organisationFilePath(organisation: string): string {
  return join(organisation, 'organisation.json');
}

/** The append-only list of what a certificate authority has issued to members. */
export function issuedListPath(organisation: string): string {
  return join(organisation, 'ca', 'issued.jsonl');
}

/** What the certificate authority has taken back, in the organisation's MSP folder, where Fabric's tools look for it. */
export function revocationListPath(organisation: string, domain: string): string {
  return join(organisation, 'msp', 'crls', `crl.${domain}.pem`);
}

export function nodeFolder(organisation: string, host: string, kind: OrganisationKind): string {
  return join(organisation, KIND_FOLDERS[kind].nodes, host);
}

export function userFolder(organisation: string, user: string, domain: string): string {
  return join(organisation, 'users', `${user}@${domain}`);
}

/** Certificate and key inside an MSP folder. `name` is the host, or `user@domain`. */
export function mspKeyPair(mspFolder: string, name: string): KeyPairPaths {
  return {
    certificate: join(mspFolder, 'signcerts', `${name}-cert.pem`),
    key: join(mspFolder, 'keystore', 'priv_sk'),
  };
}

/** @param owner - folder of a node or of the gateway */
export function tlsPaths(owner: string): KeyPairPaths & { readonly authority: string } {
  const folder = join(owner, 'tls');
  return {
    certificate: join(folder, 'server.crt'),
    key: join(folder, 'server.key'),
    authority: join(folder, 'ca.crt'),
  };
}

/** Name in the TLS certificate of an organisation's gateway. */
export function gatewayHost(domain: string): string {
  return `gateway.${domain}`;
}

/** Name in the TLS certificate of the chaincode service of an organisation's peer. */
export function chaincodeHost(domain: string): string {
  return `chaincode.${domain}`;
}

export function chaincodeFolder(organisation: string): string {
  return join(organisation, 'chaincode');
}

export function gatewayFolder(organisation: string): string {
  return join(organisation, 'gateway');
}
