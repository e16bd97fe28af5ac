import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ORDERER_DOMAIN, type Topology } from '../topology.js';
import {
  authorityPaths,
  chaincodeFolder,
  gatewayFolder,
  mspKeyPair,
  nodeFolder,
  ORDERER_MSP_ID,
  type OrganisationKind,
  organisationFolder,
  SERVICE_USERS,
  type ServiceUser,
  tlsPaths,
  userFolder,
} from './identity-paths.js';
import { readCertificate } from './key-pair.js';
import { ensureChaincode, ensureGateway, ensureNode, ensureOrganisation, ensureUser } from './organisation-folder.js';

/** A process, or the people of an organisation, with the certificates that change together. */
export interface CertificateOwner {
  readonly kind: 'peer' | 'orderer' | 'gateway';
  readonly mspId: string;
  readonly domain: string;
  /** Of the node; of a gateway the name in its TLS certificate. */
  readonly host: string;
}

export interface CertificateEnd {
  readonly mspId: string;
  readonly file: string;
  readonly endsAtMs: number;
}

/** Whoever has certificates of their own: orderers, peers, and each gateway with its organisation's service users. */
export function certificateOwners({ organisations, orderers }: Topology): readonly CertificateOwner[] {
  return [
    ...orderers.map(({ host }) => ({ kind: 'orderer' as const, mspId: ORDERER_MSP_ID, domain: ORDERER_DOMAIN, host })),
    ...organisations.flatMap(({ mspId, domain, peer }) =>
      peer === undefined ? [] : [{ kind: 'peer' as const, mspId, domain, host: peer.host }],
    ),
    ...organisations.map(({ mspId, domain }) => ({
      kind: 'gateway' as const,
      mspId,
      domain,
      host: `gateway.${domain}`,
    })),
  ];
}

/** When the certificates of an owner end; those that are not there are left out. */
export function certificateEnds(dataDir: string, owner: CertificateOwner): readonly CertificateEnd[] {
  const folder = organisationFolder(dataDir, owner.domain, kindOf(owner));
  return certificateFiles(folder, owner)
    .filter(existsSync)
    .map((file) => ({ mspId: owner.mspId, file, endsAtMs: endOf(file) }));
}

/** When the authorities of the organisations, and of the orderers, end. */
export function authorityEnds(dataDir: string, { organisations }: Topology): readonly CertificateEnd[] {
  const members = organisations.map(({ mspId, domain }) => ({ mspId, domain, kind: 'peer' as const }));
  const orderer = { mspId: ORDERER_MSP_ID, domain: ORDERER_DOMAIN, kind: 'orderer' as const };
  return [...members, orderer].flatMap(({ mspId, domain, kind }) =>
    (['ca', 'tlsca'] as const)
      .map((authority) => authorityPaths(organisationFolder(dataDir, domain, kind), domain, authority).certificate)
      .filter(existsSync)
      .map((file) => ({ mspId, file, endsAtMs: endOf(file) })),
  );
}

/**
 * Issues those certificates of an owner anew that end within the time, over the same keys: whoever compares keys, such
 * as orderers among themselves and the consortium's register, goes on without being told.
 *
 * @throws IdentitiesError IDENTITIES_UNREADABLE
 */
export async function renewCertificates(
  dataDir: string,
  owner: CertificateOwner,
  { nowMs, withinMs }: { readonly nowMs: number; readonly withinMs: number },
): Promise<void> {
  const { mspId, domain, host } = owner;
  const kind = kindOf(owner);
  const folder = organisationFolder(dataDir, domain, kind);
  const organisation = await ensureOrganisation({ folder, mspId, domain, kind, nowMs, renewBeforeEndMs: withinMs });
  for (const user of usersOf(owner)) await ensureUser(organisation, user);
  if (owner.kind === 'gateway') await ensureGateway(organisation);
  else await ensureNode(organisation, host);
  if (owner.kind === 'peer') await ensureChaincode(organisation);
}

function certificateFiles(folder: string, owner: CertificateOwner): readonly string[] {
  const { kind, domain, host } = owner;
  const users = usersOf(owner).map(
    (user) => mspKeyPair(join(userFolder(folder, user, domain), 'msp'), `${user}@${domain}`).certificate,
  );
  if (kind === 'gateway') return [...users, tlsPaths(gatewayFolder(folder)).certificate];
  const node = nodeFolder(folder, host, kind);
  const service = kind === 'peer' ? [tlsPaths(chaincodeFolder(folder)).certificate] : [];
  return [...users, mspKeyPair(join(node, 'msp'), host).certificate, tlsPaths(node).certificate, ...service];
}

/** The ordering organisation has no gateway that its administrator could be renewed with. */
function usersOf({ kind }: CertificateOwner): readonly ServiceUser[] {
  if (kind === 'peer') return [];
  return kind === 'gateway' ? SERVICE_USERS : ['Admin'];
}

function kindOf({ kind }: CertificateOwner): OrganisationKind {
  return kind === 'orderer' ? 'orderer' : 'peer';
}

function endOf(file: string): number {
  return readCertificate(file).validToDate.getTime();
}
