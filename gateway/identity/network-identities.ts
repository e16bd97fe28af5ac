import { authorityPaths, organisationFolder, readIdentity } from '../../network/identities/index.js';
import { signDer } from './signatures.js';

export { gatewayHost, organisationByTlsCertificate, readTls, tlsCaBundle } from '../../network/identities/index.js';

/** The identity by which an organisation's gateway itself speaks to the ledger. */
export interface ServiceIdentity {
  readonly mspId: string;
  readonly certificatePem: string;
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
}

/** The custodian's identity: it reads, and never acts for a member. */
export function serviceIdentity(dataDir: string, domain: string): ServiceIdentity {
  const { mspId, certificatePem, privateKey } = readIdentity(dataDir, domain, 'Custodian');
  return { mspId, certificatePem, sign: async (message) => signDer(privateKey, message) };
}

/** PEM file of the TLS authority of an organisation. */
export function organisationTlsFile(dataDir: string, domain: string): string {
  return authorityPaths(organisationFolder(dataDir, domain), domain, 'tlsca').certificate;
}
