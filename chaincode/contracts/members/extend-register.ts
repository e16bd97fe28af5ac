import {
  canonicalJson,
  DomainError,
  type Organisation,
  type RegisterDocument,
  requireTwoSignatures,
  type SignedRegister,
} from '../../domain/index.js';
import type { Rule } from '../../state/extend-lane.js';
import { readAgency, readMember, readOrganisation, readRegister } from '../../state/register-store.js';
import { verifySignature } from '../../state/verify-signature.js';
import type { WorldState } from '../../state/world-state.js';
import { parseChannelRegister, registerWrites, requireKnown } from './register-writes.js';

/** A further document: signed by two of the organisations that the register already holds, never by new ones. */
export const extendRegister: Rule<'members:register'> = async ({ state, channel, actor, input }) => {
  if (actor.role !== 'admin')
    throw new DomainError('ROLE_NOT_ALLOWED', `${actor.memberId} is ${actor.role}, not admin`);
  const { register } = input;
  const document = parseChannelRegister(register, channel);
  const stored = await readRegister(state);
  if (stored === undefined) throw new DomainError('NOT_BOOTSTRAPPED', 'there is no register to extend');
  if (document.version !== stored.version + 1)
    throw new DomainError('VERSION_CONFLICT', `the next document has version ${stored.version + 1}`);
  requireTwoSignatures(register, await signersOf(state, register), verifySignature);
  await requireNothingChanged(state, document);
  await requireStoredOrOwn(state, document);
  return { outcome: { action: 'register', outcome: 'permit' }, writes: () => registerWrites(register, document) };
};

/** Read by key, one for each signature: a range would conflict with every document that adds an organisation. */
async function signersOf(state: WorldState, register: SignedRegister): Promise<readonly Organisation[]> {
  const signers: Organisation[] = [];
  for (const mspId of new Set(register.signatures.map((signature) => signature.mspId))) {
    const organisation = await readOrganisation(state, mspId);
    if (organisation !== undefined) signers.push(organisation);
  }
  return signers;
}

/** A document adds; it may repeat an organisation or agency as it is. There is no rule yet for changing one. */
async function requireNothingChanged(state: WorldState, document: RegisterDocument): Promise<void> {
  for (const organisation of document.organisations)
    requireSame(organisation.mspId, organisation, await readOrganisation(state, organisation.mspId));
  for (const agency of document.agencies)
    requireSame(agency.agencyId, agency, await readAgency(state, agency.agencyId));
  for (const { memberId } of document.members)
    if ((await readMember(state, memberId)) !== undefined)
      throw new DomainError('MEMBER_EXISTS', `${memberId} is in the register`);
}

function requireSame(id: string, given: object, stored: object | undefined): void {
  if (stored !== undefined && canonicalJson(given) !== canonicalJson(stored))
    throw new DomainError('MEMBER_EXISTS', `${id} is in the register with other values`);
}

async function requireStoredOrOwn(state: WorldState, document: RegisterDocument): Promise<void> {
  const organisations = new Set<string>(document.organisations.map(({ mspId }) => mspId));
  for (const { organisation } of [...document.agencies, ...document.members])
    if (!organisations.has(organisation) && (await readOrganisation(state, organisation)) !== undefined)
      organisations.add(organisation);
  const agencies = new Set<string>(document.agencies.map(({ agencyId }) => agencyId));
  for (const { agencyId } of document.members)
    if (agencyId !== undefined && !agencies.has(agencyId) && (await readAgency(state, agencyId)) !== undefined)
      agencies.add(agencyId);
  requireKnown(document, {
    organisation: (mspId) => organisations.has(mspId),
    agency: (agencyId) => agencies.has(agencyId),
  });
}
