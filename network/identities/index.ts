export {
  type CertificateAuthority,
  type MemberCertificateRequest,
  openCertificateAuthority,
} from './certificate-authority.js';
export { ensureIdentities } from './ensure-identities.js';
export { FABRIC_ATTRIBUTES_OID, type FabricAttributes } from './fabric-attributes.js';
export { IdentitiesError, type IdentitiesErrorCode } from './identities-error.js';
export {
  authorityPaths,
  gatewayFolder,
  type KeyPairPaths,
  mspKeyPair,
  nodeFolder,
  ORDERER_MSP_ID,
  type OrganisationKind,
  organisationFolder,
  type ServiceUser,
  tlsPaths,
  userFolder,
} from './identity-paths.js';
export type { IssuedEntry } from './issued-list.js';
export { parseMspId } from './organisation-file.js';
export {
  type Identity,
  type MspDefinition,
  mspDefinitions,
  organisationByTlsCertificate,
  readIdentity,
  readOrdererIdentity,
  readPeerIdentity,
  readTls,
  type TlsMaterial,
  type TlsOwner,
  tlsCaBundle,
} from './read-identity.js';
export { type Revocation, readRevocationList, readRevocations, revokeCertificate } from './revocation-list.js';
