import { randomBytes } from 'node:crypto';
import type { Organisation } from '../../topology.js';
import { type MemberCertificateRequest, openCertificateAuthority } from '../certificate-authority.js';
import { IdentitiesError } from '../identities-error.js';
import type { RequestedKey } from './certificate-request.js';
import { openRegistrar } from './ensure-from-fabric-ca.js';
import type { FabricCa, FabricCaRegistrar } from './fabric-ca-client.js';

const SECRET_BYTES = 24;

/**
 * Certifies members' keys by a Fabric CA server, as `openCertificateAuthority` does by the authority in the data folder:
 * each member is registered with its attributes, under a secret that nobody is told, and enrolled once.
 *
 * @returns issues a certificate, PEM; throws IdentitiesError CA_UNREACHABLE, CA_REFUSED, MEMBER_REQUEST_INVALID
 */
export function fabricCaIssuer(options: {
  readonly mspId: string;
  readonly ca: FabricCa;
  readonly registrar: FabricCaRegistrar;
}): { readonly mspId: string; issueMember(request: FabricCaMember): Promise<string> } {
  const { mspId, ca, registrar } = options;
  return {
    mspId,
    async issueMember({ memberId, role, agencyId, ou, publicKeySpki, sign }) {
      if (sign === undefined)
        throw new IdentitiesError(
          'MEMBER_REQUEST_INVALID',
          `a Fabric CA certifies who shows its key; ${memberId} signs nothing.`,
        );
      const secret = randomBytes(SECRET_BYTES).toString('base64url');
      const attributes = { memberId, role, ...(agencyId === undefined ? {} : { agencyId }) };
      await ca.register(registrar, { id: memberId, type: ou, secret, attributes });
      const { certificatePem } = await ca.enroll({ id: memberId, secret, key: { publicKeySpki, sign } });
      return certificatePem;
    },
  };
}

/**
 * Whoever certifies members' keys for an organisation: its Fabric CA, else the authority in the data folder.
 *
 * @throws IdentitiesError IDENTITIES_UNREADABLE
 */
export function memberIssuer(
  dataDir: string,
  { mspId, domain, fabricCa }: Pick<Organisation, 'mspId' | 'domain' | 'fabricCa'>,
): { readonly mspId: string; issueMember(request: FabricCaMember): Promise<string> } {
  if (fabricCa === undefined) return openCertificateAuthority(dataDir, domain);
  return fabricCaIssuer({ mspId, ...openRegistrar(dataDir, domain, fabricCa) });
}

/** With the member's own signature over the request; see RFC 2986. */
export interface FabricCaMember extends MemberCertificateRequest {
  readonly sign?: RequestedKey['sign'];
}
