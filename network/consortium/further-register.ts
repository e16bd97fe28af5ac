import { formatRegisterDocument, mspId, type SignedRegister, toBase64url } from '@medledger/chaincode/domain';
import {
  type OrganisationKeys,
  type Registrar,
  registeredMember,
  type StaffMember,
  signedBy,
} from './first-register.js';
import type { NewOrganisation } from './new-organisation.js';

/**
 * The document that takes one more organisation into the consortium, signed: the organisation, its agency, its staff.
 *
 * @param input.version - the one after what the ledger holds
 * @param input.registrars - two organisations that the ledger's register holds already
 */
export function furtherRegister(input: {
  readonly channel: string;
  readonly version: number;
  readonly joining: NewOrganisation;
  readonly keys: OrganisationKeys;
  readonly staff: readonly StaffMember[];
  readonly registrars: readonly Registrar[];
}): SignedRegister {
  const { channel, version, joining, keys, staff, registrars } = input;
  const { name, mspId: id } = joining.organisation;
  const organisation = mspId(id, '/mspId');
  const { agency } = joining;
  const text = formatRegisterDocument({
    channel,
    version,
    organisations: [{ mspId: organisation, name, registerKey: toBase64url(keys.registerKeySpki) }],
    agencies: agency === undefined ? [] : [{ ...agency, name, organisation }],
    members: staff.map(registeredMember),
  });
  return signedBy(text, registrars);
}
