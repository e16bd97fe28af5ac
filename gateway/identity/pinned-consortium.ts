import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type MspId,
  mspId,
  type Organisation,
  parseRegisterDocument,
  requireTwoSignatures,
  type SignedRegister,
  signedRegister,
  toBase64url,
  type VerifySignature,
} from '@medledger/chaincode/domain';
import { mspKeyPair, organisationFolder, userFolder } from '../../network/identities/index.js';
import type { Topology } from '../../network/topology.js';

export type PinnedOrganisation = Pick<Organisation, 'mspId' | 'registerKey'>;

/**
 * The keys that sign register documents, from this machine's own certificate folders. What state says of them
 * proves nothing to a custodian.
 */
export function pinnedOrganisations(dataDir: string, topology: Topology): readonly PinnedOrganisation[] {
  return topology.organisations.map((organisation) => ({
    mspId: mspId(organisation.mspId, '/mspId'),
    registerKey: registerKeyOf(dataDir, organisation.domain),
  }));
}

/** By whose certificates the signatures under register documents can be checked elsewhere. */
export function registrarCertificates(
  dataDir: string,
  topology: Topology,
): readonly { readonly mspId: string; readonly certificatePem: string }[] {
  return topology.organisations.map(({ mspId: id, domain }) => ({
    mspId: id,
    certificatePem: readFileSync(registrarCertificateFile(dataDir, domain), 'utf8'),
  }));
}

/** Public half of an organisation's Registrar, SubjectPublicKeyInfo (DER), base64url. */
export function registerKeyOf(dataDir: string, domain: string): string {
  const { publicKey } = new X509Certificate(readFileSync(registrarCertificateFile(dataDir, domain)));
  return toBase64url(publicKey.export({ type: 'spki', format: 'der' }));
}

function registrarCertificateFile(dataDir: string, domain: string): string {
  const folder = userFolder(organisationFolder(dataDir, domain), 'Registrar', domain);
  return mspKeyPair(join(folder, 'msp'), `Registrar@${domain}`).certificate;
}

export function registerPath(dataDir: string): string {
  return join(dataDir, 'register.json');
}

/**
 * The custodians' public keys, out of the register document in the data folder, once two pinned organisations are
 * seen to have signed it.
 *
 * @throws DomainError REGISTER_SIGNATURES_MISSING
 */
export function custodianKeys(
  dataDir: string,
  pinned: readonly PinnedOrganisation[],
  verify: VerifySignature,
): ReadonlyMap<MspId, string> {
  const register: SignedRegister = signedRegister(JSON.parse(readFileSync(registerPath(dataDir), 'utf8')), '/register');
  requireTwoSignatures(register, pinned, verify);
  const { organisations } = parseRegisterDocument(register.text);
  return new Map(
    organisations.flatMap(({ mspId: id, custodianKey }) => (custodianKey === undefined ? [] : [[id, custodianKey]])),
  );
}
