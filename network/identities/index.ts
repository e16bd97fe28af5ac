export {
  type CertificateAuthority,
  type MemberCertificateRequest,
  openCertificateAuthority,
} from './certificate-authority.js';
export { type DialInClient, type DialInTls, ensureDialInTls } from './dial-in-tls.js';
export { ensureIdentities } from './ensure-identities.js';
export { FABRIC_ATTRIBUTES_OID, type FabricAttributes } from './fabric-attributes.js';
export { forgetPeerKeys } from './forget-keys.js';
export { IdentitiesError, type IdentitiesErrorCode } from './identities-error.js';
export {
  authorityPaths,
  chaincodeFolder,
  chaincodeHost,
  gatewayFolder,
  gatewayHost,
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
export { type IssuedEntry, readIssued } from './issued-list.js';
export { parseMspId } from './organisation-file.js';
export {
  type Identity,
  type MspDefinition,
  mspDefinitions,
  ordererDefinition,
  organisationByTlsCertificate,
  readAdminIdentity,
  readIdentity,
  readOrdererIdentity,
  readPeerIdentity,
  readTls,
  type TlsMaterial,
  type TlsOwner,
  tlsCaBundle,
} from './read-identity.js';
export {
  isIssuedBy,
  REVOCATION_DELAY_MS,
  type Revocation,
  readRevocationList,
  readRevocations,
  revocationListFile,
  revokeCertificate,
  revokeSerials,
  serialHexOf,
} from './revocation-list.js';
export {
  authorityEnds,
  type CertificateEnd,
  type CertificateOwner,
  certificateEnds,
  certificateOwners,
  renewCertificates,
} from './service-certificates.js';
export {
  type FabricCa,
  type FabricCaPlace,
  type FabricCaRegistrar,
  openFabricCa,
} from './fabric-ca/fabric-ca-client.js';
export { ensureFromFabricCa } from './fabric-ca/ensure-from-fabric-ca.js';
export { fabricCaIssuer, memberIssuer } from './fabric-ca/fabric-ca-issuer.js';
