import {
  agencyId,
  formatRegisterDocument,
  memberId,
  mspId,
  type Agency,
  type AgencyKind,
  type Organisation,
  type RegisteredMember,
  registerBytes,
  type Role,
  type SignedRegister,
  toBase64url,
} from '@medledger/chaincode/domain';
import type { Topology } from '../topology.js';

/** What an organisation brings to the register. */
export interface OrganisationKeys {
  readonly mspId: string;
  /** P-256 SubjectPublicKeyInfo, DER: verifies what the organisation's registrar signs. */
  readonly registerKeySpki: Uint8Array;
  /** X25519, 32 bytes; absent where the organisation is no custodian. */
  readonly custodianKey?: Uint8Array;
}

/** A member of staff whose keys its organisation keeps. */
export interface StaffMember {
  readonly memberId: string;
  readonly role: Role;
  readonly agencyId?: string;
  readonly mspId: string;
  /** P-256 SubjectPublicKeyInfo, DER. */
  readonly signingKeySpki: Uint8Array;
  /** X25519, 32 bytes. */
  readonly encryptionKey: Uint8Array;
}

/** Signs for an organisation: ECDSA P-256 with SHA-256, 64 bytes, low-S. */
export interface Registrar {
  readonly mspId: string;
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

/** The agencies that staff of the first register acts for; one for each organisation. */
const AGENCIES: readonly { readonly id: string; readonly kind: AgencyKind; readonly mspId: string }[] = [
  { id: 'hospital-a', kind: 'hospital', mspId: 'HospitalAMSP' },
  { id: 'hospital-b', kind: 'hospital', mspId: 'HospitalBMSP' },
  { id: 'health-authority', kind: 'government', mspId: 'GovernmentMSP' },
  { id: 'insurer', kind: 'insurer', mspId: 'InsurerMSP' },
];

/**
 * The document that founds a consortium, signed: which organisations there are, their agencies and their staff.
 *
 * @param input.registrars - two of different organisations are needed for the chaincode to believe it
 */
export function firstRegister(
  topology: Topology,
  input: {
    readonly organisations: readonly OrganisationKeys[];
    readonly staff: readonly StaffMember[];
    readonly registrars: readonly Registrar[];
  },
): SignedRegister {
  const text = formatRegisterDocument({
    channel: topology.channel,
    version: 1,
    organisations: input.organisations.map((keys) => organisationOf(topology, keys)),
    agencies: AGENCIES.map((agency) => agencyOf(topology, agency)),
    members: input.staff.map(registeredMember),
  });
  return signedBy(text, input.registrars);
}

export function signedBy(text: string, registrars: readonly Registrar[]): SignedRegister {
  const bytes = registerBytes(text);
  const signatures = registrars.map((registrar) => ({
    mspId: mspId(registrar.mspId, '/mspId'),
    signature: toBase64url(registrar.sign(bytes)),
  }));
  return { text, signatures };
}

function organisationOf(topology: Topology, keys: OrganisationKeys): Organisation {
  return {
    mspId: mspId(keys.mspId, '/mspId'),
    name: nameOf(topology, keys.mspId),
    registerKey: toBase64url(keys.registerKeySpki),
    ...(keys.custodianKey === undefined ? {} : { custodianKey: toBase64url(keys.custodianKey) }),
  };
}

function agencyOf(topology: Topology, agency: (typeof AGENCIES)[number]): Agency {
  return {
    agencyId: agencyId(agency.id, '/agencyId'),
    kind: agency.kind,
    name: nameOf(topology, agency.mspId),
    organisation: mspId(agency.mspId, '/organisation'),
  };
}

export function registeredMember(staff: StaffMember): RegisteredMember {
  return {
    memberId: memberId(staff.memberId, '/memberId'),
    role: staff.role,
    ...(staff.agencyId === undefined ? {} : { agencyId: agencyId(staff.agencyId, '/agencyId') }),
    organisation: mspId(staff.mspId, '/organisation'),
    signingKey: toBase64url(staff.signingKeySpki),
    encryptionKey: toBase64url(staff.encryptionKey),
    keyCustody: 'wallet',
  };
}

function nameOf(topology: Topology, id: string): string {
  const organisation = topology.organisations.find((candidate) => candidate.mspId === id);
  if (organisation === undefined) throw new Error(`invariant failed: ${id} is not in the topology`);
  return organisation.name;
}
