import { type common, msp } from '@hyperledger/fabric-protos';
import type { LedgerTopology } from '../../topology.js';
import { staticCollections } from '../commit/collection-rules.js';
import { parseMessage } from '../wire/parse-message.js';
import { DefinitionError } from './definition-error.js';
import type { SignatureDefinition } from './definition-in-force.js';

/**
 * Nobody could satisfy a policy that needs an organisation which is not there. Fabric says so of collections; of an
 * endorsement policy it lets it pass, because the organisation may join, which none can here.
 *
 * @throws DefinitionError POLICY_INVALID, COLLECTIONS_INVALID
 * @see Fabric core/chaincode/lifecycle/scc.go, validateCollectionConfigMemberOrgsPolicy
 */
export function requireMembers(
  { endorsementPolicy, collections }: Pick<SignatureDefinition, 'endorsementPolicy' | 'collections'>,
  { channel, organisations }: LedgerTopology,
): void {
  const members = organisations.map(({ mspId }) => mspId);
  const strangerIn = (policy: common.SignaturePolicyEnvelope | undefined) =>
    mspIdsOf(policy).find((mspId) => !members.includes(mspId));
  const advice = `is no member of ${channel}; its members are ${members.join(', ')}.`;
  const endorser = strangerIn(endorsementPolicy);
  if (endorser !== undefined) throw new DefinitionError('POLICY_INVALID', `${endorser} ${advice}`);
  for (const collection of staticCollections(collections)) {
    const stranger = strangerIn(collection.getMemberOrgsPolicy()?.getSignaturePolicy());
    if (stranger === undefined) continue;
    throw new DefinitionError('COLLECTIONS_INVALID', `in collection ${collection.getName()}, ${stranger} ${advice}`);
  }
}

function mspIdsOf(policy: common.SignaturePolicyEnvelope | undefined): string[] {
  const identities = policy?.getIdentitiesList() ?? [];
  return identities.map((identity) => parseMessage(msp.MSPRole, identity.getPrincipal_asU8()).getMspIdentifier());
}
