import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { signLowS } from '../../devledger/low-s.js';
import type { FabricCaTopology, LedgerOrganisation } from '../../topology.js';
import { PRIVATE_FILE_MODE, PUBLIC_FILE_MODE, replaceFile } from '../durable-file.js';
import { IdentitiesError } from '../identities-error.js';
import {
  authorityPaths,
  chaincodeFolder,
  chaincodeHost,
  gatewayFolder,
  type KeyPairPaths,
  mspKeyPair,
  nodeFolder,
  organisationFilePath,
  organisationFolder,
  SERVICE_USERS,
  tlsPaths,
  userFolder,
} from '../identity-paths.js';
import { ensureKeyPair, RENEW_BEFORE_END_MS, readKeyPair, readText } from '../key-pair.js';
import { organisationFileText } from '../organisation-file.js';
import { ensureMspFolder, ensureText, serviceAttributes } from '../organisation-folder.js';
import { type FabricCa, type FabricCaRegistrar, openFabricCa, type Registration } from './fabric-ca-client.js';

const SECRET_BYTES = 24;

/** An organisation whose certificates come from a Fabric CA server. */
interface Place {
  readonly folder: string;
  readonly domain: string;
  readonly nowMs: number;
  readonly renewBeforeEndMs: number;
  readonly ca: FabricCa;
  readonly registrar: FabricCaRegistrar;
}

/**
 * Makes the folder of an organisation as `ensureIdentities` does, with every certificate enrolled at the organisation's
 * Fabric CA server: peer, chaincode service, users, gateway, each with TLS where it listens. Keys are made here and stay here;
 * what ends within 60 days is enrolled again over the same key. Safe to run again.
 *
 * @throws IdentitiesError CA_UNREACHABLE, CA_REFUSED, IDENTITIES_UNREADABLE
 */
export async function ensureFromFabricCa(
  organisation: LedgerOrganisation,
  fabricCa: FabricCaTopology,
  options: { readonly dataDir: string; readonly nowMs: number; readonly renewBeforeEndMs?: number },
): Promise<void> {
  const { mspId, domain, peer } = organisation;
  const { dataDir, nowMs, renewBeforeEndMs = RENEW_BEFORE_END_MS } = options;
  const folder = organisationFolder(dataDir, domain);
  const ca = openPlace(fabricCa);
  const registrar = await ensureRegistrar({ folder, domain, nowMs, renewBeforeEndMs, ca }, fabricCa);
  const place: Place = { folder, domain, nowMs, renewBeforeEndMs, ca, registrar };
  ensureText(organisationFilePath(folder), organisationFileText(mspId, domain));
  ensureMsp(place, join(folder, 'msp'));
  if (peer !== undefined) {
    const node = nodeFolder(folder, peer.host, 'peer');
    const registration = { id: peer.host, type: 'peer' as const };
    await ensureSigner(place, join(node, 'msp'), registration);
    await ensureTls(place, node, registration);
    await ensureTls(place, chaincodeFolder(folder), { id: chaincodeHost(domain), type: 'client' });
  }
  for (const user of SERVICE_USERS) {
    const id = `${user}@${domain}`;
    const type = user === 'Admin' ? 'admin' : 'client';
    const { 'hf.EnrollmentID': _ownName, ...attributes } = serviceAttributes(user, domain);
    await ensureSigner(place, join(userFolder(folder, user, domain), 'msp'), { id, type, attributes });
  }
  await ensureTls(place, gatewayFolder(folder), { id: `gateway.${domain}`, type: 'client' });
}

/**
 * Who may register members at the organisation's Fabric CA, from the folder that `ensureFromFabricCa` made.
 *
 * @throws IdentitiesError IDENTITIES_UNREADABLE
 */
export function openRegistrar(
  dataDir: string,
  domain: string,
  fabricCa: FabricCaTopology,
): { readonly ca: FabricCa; readonly registrar: FabricCaRegistrar } {
  const { certificatePem, privateKey } = readKeyPair(registrarPaths(organisationFolder(dataDir, domain)));
  return {
    ca: openPlace(fabricCa),
    registrar: { certificatePem, sign: async (bytes) => signLowS(privateKey, bytes) },
  };
}

function openPlace({ url, caName, tlsRootFile }: FabricCaTopology): FabricCa {
  return openFabricCa({
    url,
    ...(caName === undefined ? {} : { caName }),
    ...(tlsRootFile === undefined ? {} : { tlsRootPem: readText(tlsRootFile) }),
  });
}

/** Enrols the administrator that the server was set up with, and keeps the authority's certificate. */
async function ensureRegistrar(
  { folder, domain, nowMs, renewBeforeEndMs, ca }: Omit<Place, 'registrar'>,
  { admin }: FabricCaTopology,
): Promise<FabricCaRegistrar> {
  const { certificatePem, privateKey } = await ensureKeyPair(registrarPaths(folder), {
    nowMs,
    renewBeforeEndMs,
    issuedBy: undefined,
    issue: async (publicKeySpki, key) => {
      const sign = async (bytes: Uint8Array) => signLowS(key, bytes);
      const secret = readText(admin.secretFile).trim();
      const enrolled = await ca.enroll({ id: admin.id, secret, key: { publicKeySpki, sign } });
      // One authority for both: a Fabric CA signs TLS certificates with the same key.
      for (const authority of ['ca', 'tlsca'] as const)
        replaceFile(authorityPaths(folder, domain, authority).certificate, enrolled.authorityPem, PUBLIC_FILE_MODE);
      return enrolled.certificatePem;
    },
  });
  return { certificatePem, sign: async (bytes) => signLowS(privateKey, bytes) };
}

type Named = Omit<Registration, 'secret'>;

async function ensureSigner(place: Place, mspFolder: string, named: Named): Promise<void> {
  await ensureEnrolled(place, mspKeyPair(mspFolder, named.id), { named });
  ensureMsp(place, mspFolder);
}

async function ensureTls(place: Place, owner: string, named: Named): Promise<void> {
  const paths = tlsPaths(owner);
  await ensureEnrolled(place, paths, { named, tlsHosts: [named.id, 'localhost', '127.0.0.1'] });
  ensureText(paths.authority, readText(authorityPaths(place.folder, place.domain, 'tlsca').certificate));
}

async function ensureEnrolled(
  { folder, nowMs, renewBeforeEndMs, ca, registrar }: Place,
  paths: KeyPairPaths,
  { named, tlsHosts }: { readonly named: Named; readonly tlsHosts?: readonly string[] },
): Promise<void> {
  await ensureKeyPair(paths, {
    nowMs,
    renewBeforeEndMs,
    issuedBy: undefined,
    issue: async (publicKeySpki, key) => {
      const secret = await ensureRegistered({ folder, ca, registrar }, named);
      const sign = async (bytes: Uint8Array) => signLowS(key, bytes);
      const enrolment = { id: named.id, secret, key: { publicKeySpki, sign } };
      const { certificatePem } = await ca.enroll(tlsHosts === undefined ? enrolment : { ...enrolment, tlsHosts });
      return certificatePem;
    },
  });
}

/** The secret is on disk before it is told to the server, so that a start that was cut short goes on with it. */
async function ensureRegistered(
  { folder, ca, registrar }: Pick<Place, 'folder' | 'ca' | 'registrar'>,
  named: Named,
): Promise<string> {
  const file = join(folder, 'fabric-ca', 'secrets', named.id);
  const isKnown = existsSync(file);
  if (!isKnown) replaceFile(file, randomBytes(SECRET_BYTES).toString('base64url'), PRIVATE_FILE_MODE);
  const secret = readFileSync(file, 'utf8');
  try {
    await ca.register(registrar, { ...named, secret });
  } catch (error) {
    const isOurs = isKnown && error instanceof IdentitiesError && error.message.includes('is already registered');
    if (!isOurs) throw error;
  }
  return secret;
}

function registrarPaths(folder: string): KeyPairPaths {
  return { certificate: join(folder, 'fabric-ca', 'registrar-cert.pem'), key: join(folder, 'fabric-ca', 'priv_sk') };
}

function ensureMsp({ folder, domain }: Place, mspFolder: string): void {
  const [ca, tlsCa] = (['ca', 'tlsca'] as const).map((authority) => ({
    certificatePem: readText(authorityPaths(folder, domain, authority).certificate),
  }));
  if (ca === undefined || tlsCa === undefined) throw new Error('invariant failed: there are two authorities');
  ensureMspFolder({ folder, domain, ca, tlsCa }, mspFolder);
}
