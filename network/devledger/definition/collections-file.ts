import { peer } from '@hyperledger/fabric-protos';
import { type Static, Type } from 'typebox';
import { Errors } from 'typebox/value';
import { DefinitionError } from './definition-error.js';
import { parsePolicyExpression } from './policy-expression.js';

const count = Type.Integer({ minimum: 0, maximum: 1_000 });

/** One collection, as in the files of Fabric's samples. */
const CollectionShape = Type.Object(
  {
    /** @see Fabric core/chaincode/lifecycle/scc.go, collectionNameRegExp */
    name: Type.String({ pattern: '^[A-Za-z0-9-]+([A-Za-z0-9_-]+)*$', maxLength: 128 }),
    policy: Type.String(),
    requiredPeerCount: Type.Optional(count),
    maxPeerCount: Type.Optional(count),
    blockToLive: Type.Optional(Type.Integer({ minimum: 0 })),
    memberOnlyRead: Type.Optional(Type.Boolean()),
    memberOnlyWrite: Type.Optional(Type.Boolean()),
    endorsementPolicy: Type.Optional(
      Type.Object(
        { signaturePolicy: Type.Optional(Type.String()), channelConfigPolicy: Type.Optional(Type.String()) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
const CollectionsShape = Type.Array(CollectionShape, { minItems: 1, maxItems: 1_000 });

type Collection = Static<typeof CollectionShape>;

/**
 * The private data collections of a chaincode, from JSON as `peer lifecycle chaincode approveformyorg
 * --collections-config` takes it. Counts that are left out are Fabric's: none required, one at most.
 *
 * @throws DefinitionError COLLECTIONS_INVALID, POLICY_INVALID
 * @see Fabric internal/peer/chaincode/common.go, getCollectionConfigFromBytes
 */
export function parseCollections(text: string): peer.CollectionConfigPackage {
  const configs = parseShape(text).map(collectionConfig);
  const collections = new peer.CollectionConfigPackage();
  collections.setConfigList(configs);
  return collections;
}

function parseShape(text: string): Collection[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DefinitionError('COLLECTIONS_INVALID', `the collections are not JSON (${String(cause)}).`, { cause });
  }
  const [first] = Errors(CollectionsShape, value);
  if (first !== undefined) {
    const place = first.instancePath === '' ? 'the file' : first.instancePath.slice(1).replaceAll('/', '.');
    throw new DefinitionError('COLLECTIONS_INVALID', `in the collections, ${place} ${first.message}.`);
  }
  const collections = value as Collection[];
  const names = collections.map(({ name }) => name);
  const again = names.find((name, index) => names.indexOf(name) !== index);
  if (again !== undefined) throw new DefinitionError('COLLECTIONS_INVALID', `collection ${again} is there twice.`);
  return collections;
}

function collectionConfig(collection: Collection): peer.CollectionConfig {
  const { name, policy, requiredPeerCount = 0, maxPeerCount = 1, blockToLive = 0 } = collection;
  if (maxPeerCount < requiredPeerCount) {
    throw new DefinitionError(
      'COLLECTIONS_INVALID',
      `collection ${name} requires ${requiredPeerCount} peers and has at most ${maxPeerCount}; raise maxPeerCount.`,
    );
  }
  const members = new peer.CollectionPolicyConfig();
  members.setSignaturePolicy(parsePolicyExpression(policy));
  const static_ = new peer.StaticCollectionConfig();
  static_.setName(name);
  static_.setMemberOrgsPolicy(members);
  static_.setRequiredPeerCount(requiredPeerCount);
  static_.setMaximumPeerCount(maxPeerCount);
  static_.setBlockToLive(blockToLive);
  static_.setMemberOnlyRead(collection.memberOnlyRead ?? false);
  static_.setMemberOnlyWrite(collection.memberOnlyWrite ?? false);
  const endorsement = endorsementPolicy(collection);
  if (endorsement !== undefined) static_.setEndorsementPolicy(endorsement);
  const config = new peer.CollectionConfig();
  config.setStaticCollectionConfig(static_);
  return config;
}

function endorsementPolicy({ name, endorsementPolicy: given }: Collection): peer.ApplicationPolicy | undefined {
  const { signaturePolicy = '', channelConfigPolicy = '' } = given ?? {};
  if (signaturePolicy === '' && channelConfigPolicy === '') return undefined;
  if (signaturePolicy !== '' && channelConfigPolicy !== '') {
    throw new DefinitionError('COLLECTIONS_INVALID', `collection ${name} takes one of its two endorsement policies.`);
  }
  const policy = new peer.ApplicationPolicy();
  if (signaturePolicy !== '') policy.setSignaturePolicy(parsePolicyExpression(signaturePolicy));
  else policy.setChannelConfigPolicyReference(channelConfigPolicy);
  return policy;
}
