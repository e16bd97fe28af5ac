import {
  type AgencyId,
  type AgencyKind,
  agencyId,
  agencyKind,
  DomainError,
  type MemberId,
  memberId,
  mspId,
  type Role,
  shape,
  shownName,
} from '@medledger/chaincode/domain';
import type { Organisation } from '../topology.js';

/** What an organisation brings that joins a running consortium. */
export interface NewOrganisation {
  readonly organisation: Organisation;
  /** That its staff acts for; none where it has no staff. */
  readonly agency: { readonly agencyId: AgencyId; readonly kind: AgencyKind } | undefined;
  readonly staff: readonly { readonly memberId: MemberId; readonly role: Role }[];
}

const PORT = shape.integer({ min: 1024, max: 65_535 });
const STAFF_MAX = 200;
const STAFF_ROLES = ['doctor', 'nurse', 'insurer', 'government', 'auditor', 'admin'] as const;
const domainName = shape.text(
  /^(?=.{4,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/,
  'a domain name in lower case',
);

const falseOnly =
  (why: string): shape.Parse<undefined> =>
  (value, pointer) => {
    if (value === undefined || value === false) return undefined;
    throw new DomainError('NOT_SUPPORTED', `${pointer} must be false or left out: ${why}`);
  };

const fileShape = shape.object({
  mspId,
  name: shownName,
  domain: domainName,
  // Left out: a client organisation, which goes through the peer of another one.
  peer: shape.optional(shape.object({ port: PORT, chaincodePort: PORT, operationsPort: PORT })),
  through: shape.optional(mspId),
  gateway: shape.object({ port: PORT, internalPort: PORT, vaultPort: PORT }),
  endorses: falseOnly('endorsement is decided by the founders'),
  custodian: falseOnly('custodians are the founders'),
  agency: shape.optional(shape.object({ agencyId, kind: agencyKind })),
  staff: shape.optional(
    shape.distinctBy(shape.object({ memberId, role: shape.oneOf(STAFF_ROLES) }), (member) => member.memberId, {
      min: 0,
      max: STAFF_MAX,
    }),
  ),
});

/**
 * Reads the file of `network -- add-org`. Who joins neither endorses nor keeps key shares: the channel's policies and
 * the consortium's register name the founders, and they stay who decides.
 *
 * @throws DomainError INPUT_INVALID, NOT_SUPPORTED with the place in the file
 */
export function parseNewOrganisation(value: unknown): NewOrganisation {
  const given = fileShape(value, '');
  const { name, domain, peer, gateway, agency, staff = [] } = given;
  return {
    organisation: {
      mspId: given.mspId,
      name,
      domain,
      ...(peer === undefined ? {} : { peer: { host: `peer0.${domain}`, ...peer } }),
      endorses: false,
      custodian: false,
      gateway: { ...gateway, peerMspId: peer === undefined ? (given.through ?? '') : given.mspId },
    },
    agency,
    staff,
  };
}
