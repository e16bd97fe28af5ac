import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { issueCertificate, type Subject } from './certificate.js';
import { PUBLIC_FILE_MODE, replaceFile } from './durable-file.js';
import type { FabricAttributes } from './fabric-attributes.js';
import {
  authorityPaths,
  chaincodeFolder,
  chaincodeHost,
  gatewayFolder,
  gatewayHost,
  mspKeyPair,
  nodeFolder,
  type OrganisationKind,
  organisationFilePath,
  type ServiceUser,
  tlsPaths,
  userFolder,
} from './identity-paths.js';
import { ensureKeyPair, issuerOf, type KeyPair, readText } from './key-pair.js';
import { nodeOusYaml } from './node-ous.js';
import { organisationFileText } from './organisation-file.js';

/** One organisation's folder with both of its certificate authorities at hand. */
export interface OrganisationFolder {
  readonly folder: string;
  readonly mspId: string;
  readonly domain: string;
  readonly kind: OrganisationKind;
  readonly nowMs: number;
  /** Of what the authorities issue; theirs are renewed RENEW_BEFORE_END_MS before their end. */
  readonly renewBeforeEndMs?: number;
  readonly ca: KeyPair;
  readonly tlsCa: KeyPair;
}

/** Certificates begin a little before now, so that a machine whose clock lags takes them too. */
export const BACKDATED_MS = 5 * 60_000;
const YEAR_MS = 365 * 86_400_000;
const AUTHORITY_LIFE_MS = 20 * YEAR_MS;
const SERVICE_LIFE_MS = 2 * YEAR_MS;

export function authoritySubject(authority: 'ca' | 'tlsca', domain: string): Subject {
  return { organisation: domain, commonName: `${authority}.${domain}` };
}

export async function ensureOrganisation(
  options: Omit<OrganisationFolder, 'ca' | 'tlsCa'>,
): Promise<OrganisationFolder> {
  const organisation = {
    ...options,
    ca: await ensureAuthority(options, 'ca'),
    tlsCa: await ensureAuthority(options, 'tlsca'),
  };
  const { mspId, domain } = options;
  ensureText(organisationFilePath(options.folder), organisationFileText(mspId, domain));
  ensureMspFolder(organisation, join(options.folder, 'msp'));
  return organisation;
}

/** Identity and TLS of a peer or an orderer. */
export async function ensureNode(organisation: OrganisationFolder, host: string): Promise<void> {
  const folder = nodeFolder(organisation.folder, host, organisation.kind);
  await ensureSigner(organisation, {
    mspFolder: join(folder, 'msp'),
    subject: { commonName: host, unit: organisation.kind },
  });
  await ensureTls(organisation, folder, host);
}

export async function ensureUser(organisation: OrganisationFolder, user: ServiceUser): Promise<void> {
  const { folder, domain } = organisation;
  await ensureSigner(organisation, {
    mspFolder: join(userFolder(folder, user, domain), 'msp'),
    subject: { commonName: `${user}@${domain}`, unit: user === 'Admin' ? 'admin' : 'client' },
    attributes: serviceAttributes(user, domain),
  });
}

/**
 * A client that somebody's application runs as: a certificate without attributes. It lies there twice, under the name
 * that cryptogen gives it and under that of Fabric CA's client: Fabric's samples go by either.
 */
export async function ensureClient(organisation: OrganisationFolder, user: string): Promise<void> {
  const { folder, domain } = organisation;
  const mspFolder = join(userFolder(folder, user, domain), 'msp');
  const commonName = `${user}@${domain}`;
  await ensureSigner(organisation, { mspFolder, subject: { commonName, unit: 'client' } });
  ensureText(join(mspFolder, 'signcerts', 'cert.pem'), readText(mspKeyPair(mspFolder, commonName).certificate));
}

export async function ensureGateway(organisation: OrganisationFolder): Promise<void> {
  await ensureTls(organisation, gatewayFolder(organisation.folder), gatewayHost(organisation.domain));
}

/** TLS of the service that runs the chaincode for the organisation's peer. */
export async function ensureChaincode(organisation: OrganisationFolder): Promise<void> {
  await ensureTls(organisation, chaincodeFolder(organisation.folder), chaincodeHost(organisation.domain));
}

/** `custodian-hospital-a` for Custodian@hospital-a.medledger.example. */
export function serviceAttributes(user: ServiceUser, domain: string): FabricAttributes {
  const memberId = `${user.toLowerCase()}-${domain.split('.')[0]}`;
  return { memberId, role: 'admin', 'hf.EnrollmentID': memberId };
}

async function ensureAuthority(
  { folder, domain, nowMs }: Omit<OrganisationFolder, 'ca' | 'tlsCa'>,
  authority: 'ca' | 'tlsca',
): Promise<KeyPair> {
  const subject = authoritySubject(authority, domain);
  return ensureKeyPair(authorityPaths(folder, domain, authority), {
    nowMs,
    issuedBy: undefined,
    issue: async (publicKeySpki, privateKey) => {
      const issued = await issueCertificate({
        subject,
        publicKeySpki,
        issuer: { subject, publicKeySpki, privateKey },
        notBeforeMs: nowMs - BACKDATED_MS,
        notAfterMs: nowMs + AUTHORITY_LIFE_MS,
        use: { kind: 'authority' },
      });
      return issued.pem;
    },
  });
}

async function ensureSigner(
  organisation: OrganisationFolder,
  signer: { mspFolder: string; subject: Subject; attributes?: FabricAttributes },
): Promise<void> {
  const { ca, domain, nowMs } = organisation;
  const { mspFolder, subject, attributes } = signer;
  await ensureKeyPair(mspKeyPair(mspFolder, subject.commonName), {
    ...renewalOf(organisation),
    issuedBy: ca,
    issue: async (publicKeySpki) => {
      const issued = await issueCertificate({
        subject,
        publicKeySpki,
        issuer: issuerOf(ca, authoritySubject('ca', domain)),
        notBeforeMs: nowMs - BACKDATED_MS,
        notAfterMs: serviceEndMs(ca, nowMs),
        use: { kind: 'signer', ...(attributes === undefined ? {} : { attributes }) },
      });
      return issued.pem;
    },
  });
  ensureMspFolder(organisation, mspFolder);
}

async function ensureTls(organisation: OrganisationFolder, owner: string, host: string): Promise<void> {
  const { tlsCa, domain, nowMs } = organisation;
  const paths = tlsPaths(owner);
  await ensureKeyPair(paths, {
    ...renewalOf(organisation),
    issuedBy: tlsCa,
    issue: async (publicKeySpki) => {
      const issued = await issueCertificate({
        subject: { organisation: domain, commonName: host },
        publicKeySpki,
        issuer: issuerOf(tlsCa, authoritySubject('tlsca', domain)),
        notBeforeMs: nowMs - BACKDATED_MS,
        notAfterMs: serviceEndMs(tlsCa, nowMs),
        use: { kind: 'tls', dnsNames: [host, 'localhost'], ipAddresses: ['127.0.0.1'] },
      });
      return issued.pem;
    },
  });
  ensureText(paths.authority, tlsCa.certificatePem);
}

function renewalOf({ nowMs, renewBeforeEndMs }: OrganisationFolder): { nowMs: number; renewBeforeEndMs?: number } {
  return { nowMs, ...(renewBeforeEndMs === undefined ? {} : { renewBeforeEndMs }) };
}

/** Nothing that an authority vouches for is good for longer than the authority. */
function serviceEndMs({ certificate }: KeyPair, nowMs: number): number {
  return Math.min(nowMs + SERVICE_LIFE_MS, certificate.validToDate.getTime());
}

/** Trust anchors and NodeOUs, which Fabric wants in the organisation's MSP folder and in every one below it. */
export function ensureMspFolder(
  {
    folder,
    domain,
    ca,
    tlsCa,
  }: Pick<OrganisationFolder, 'folder' | 'domain'> & Record<'ca' | 'tlsCa', Pick<KeyPair, 'certificatePem'>>,
  mspFolder: string,
): void {
  const caName = basename(authorityPaths(folder, domain, 'ca').certificate);
  const tlsCaName = basename(authorityPaths(folder, domain, 'tlsca').certificate);
  ensureText(join(mspFolder, 'cacerts', caName), ca.certificatePem);
  ensureText(join(mspFolder, 'tlscacerts', tlsCaName), tlsCa.certificatePem);
  ensureText(join(mspFolder, 'config.yaml'), nodeOusYaml(`cacerts/${caName}`));
}

/** Derived files: made again wherever they differ from what they are derived from. */
export function ensureText(path: string, text: string): void {
  if (existsSync(path) && readText(path) === text) return;
  replaceFile(path, text, PUBLIC_FILE_MODE);
}
