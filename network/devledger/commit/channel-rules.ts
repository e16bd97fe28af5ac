import { msp, type peer } from '@hyperledger/fabric-protos';
import {
  applicationPolicyOf,
  type ChaincodeDefinition,
  type EndorsementPolicy,
  plainDefinition,
} from './chaincode-definition.js';
import {
  type CollectionRules,
  collectionRules,
  implicitCollection,
  implicitCollectionOwner,
  staticCollections,
} from './collection-rules.js';
import { compileSignaturePolicy, outOfPolicy, type Policy } from './signature-policy.js';

export interface ChannelRulesOptions {
  readonly channel: string;
  /** /Channel/Application/Endorsement. */
  readonly policy: EndorsementPolicy;
  /** Names of chaincodes that have the channel's policy and no collections. */
  readonly chaincodes: readonly string[];
  /** Chaincodes with a definition of their own; it counts before the name alone. */
  readonly definitions?: readonly ChaincodeDefinition[];
  /** MSP ids of all members. */
  readonly mspIds: readonly string[];
}

const { MSPRoleType } = msp.MSPRole;
const APPLICATION = '/Channel/Application/';

/** The chaincodes of a channel with their policies and collections, ready to be asked. */
export class ChannelRules {
  readonly channel: string;
  readonly #options: ChannelRulesOptions;
  readonly #definitions = new Map<string, ChaincodeDefinition>();
  readonly #policies = new Map<string, Policy>();
  readonly #collections = new Map<string, readonly CollectionRules[]>();

  /** @throws RangeError a definition has a name that Fabric would not take, or a policy that is none */
  constructor(options: ChannelRulesOptions) {
    this.channel = options.channel;
    this.#options = options;
    const plain = options.chaincodes.map((name) => plainDefinition({ name, version: '1.0' }, options.policy));
    for (const definition of [...plain, ...(options.definitions ?? [])]) {
      requireNames(definition);
      this.#definitions.set(definition.name, definition);
      this.#policies.set(definition.name, this.applicationPolicy(applicationPolicyOf(definition)));
      this.#collections.set(definition.name, staticCollections(definition.collections).map(collectionRules));
    }
  }

  definitions(): readonly ChaincodeDefinition[] {
    return [...this.#definitions.values()];
  }

  definition(chaincode: string): ChaincodeDefinition | undefined {
    return this.#definitions.get(chaincode);
  }

  /** Nobody satisfies the policy of a chaincode that is not defined. */
  chaincodePolicy(chaincode: string): Policy {
    return this.#policies.get(chaincode) ?? NOBODY;
  }

  /** Those that were defined; every organisation has one more, of its own. */
  collections(chaincode: string): readonly CollectionRules[] {
    return this.#collections.get(chaincode) ?? [];
  }

  /** @returns undefined when the chaincode has no such collection */
  collection(chaincode: string, name: string): CollectionRules | undefined {
    if (!this.#definitions.has(chaincode)) return undefined;
    const owner = implicitCollectionOwner(name);
    if (owner === undefined) return this.collections(chaincode).find((collection) => collection.name === name);
    return this.#options.mspIds.includes(owner) ? implicitCollection(owner) : undefined;
  }

  /**
   * What a collection asks of endorsers; `chaincode` where it asks nothing of its own.
   *
   * @returns undefined when the chaincode has no such collection
   */
  collectionPolicy(chaincode: string, name: string): Policy | 'chaincode' | undefined {
    const collection = this.collection(chaincode, name);
    const owner = implicitCollectionOwner(name);
    if (collection === undefined) return undefined;
    if (owner !== undefined) return this.#organisationPolicy(owner);
    return collection.endorsementPolicy === undefined
      ? 'chaincode'
      : this.applicationPolicy(collection.endorsementPolicy);
  }

  applicationPolicy(policy: peer.ApplicationPolicy): Policy {
    const signature = policy.getSignaturePolicy();
    if (signature !== undefined) return compileSignaturePolicy(signature);
    return this.#channelPolicy(policy.getChannelConfigPolicyReference());
  }

  /** A policy of the channel by its path; as in Fabric one without a leading slash is one of the application. */
  #channelPolicy(reference: string): Policy {
    const path = reference.startsWith('/') ? reference : `${APPLICATION}${reference}`;
    const { policy, mspIds } = this.#options;
    const parts = path.startsWith(APPLICATION) ? path.slice(APPLICATION.length).split('/') : [];
    const [first = '', second] = parts;
    if (second === 'Endorsement' && mspIds.includes(first)) return this.#organisationPolicy(first);
    if (second !== undefined) return NOBODY;
    if (first === 'Endorsement') return outOf(policy.needed, policy.endorsers, MSPRoleType.PEER);
    const majority = Math.floor(policy.endorsers.length / 2) + 1;
    if (first === 'LifecycleEndorsement') return outOf(majority, policy.endorsers, MSPRoleType.PEER);
    if (first === 'Admins') return outOf(majority, policy.endorsers, MSPRoleType.ADMIN);
    if (first === 'Readers') return outOf(1, mspIds, MSPRoleType.MEMBER);
    return NOBODY;
  }

  /** An organisation's own Endorsement policy: its peers; one without a peer has none, and any member counts. */
  #organisationPolicy(mspId: string): Policy {
    const role = this.#options.policy.endorsers.includes(mspId) ? MSPRoleType.PEER : MSPRoleType.MEMBER;
    return outOf(1, [mspId], role);
  }
}

/** Where nothing is known of chaincodes, or nothing is asked of them. */
export const NO_CHAINCODES = new ChannelRules({
  channel: '',
  policy: { endorsers: [], needed: 0 },
  chaincodes: [],
  mspIds: [],
});

/** Fabric's own rules; what a name may not hold separates the namespaces of the state. */
const CHAINCODE_NAME = /^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$/;
const COLLECTION_NAME = /^[A-Za-z0-9-][A-Za-z0-9_-]*$/;

function requireNames({ name, collections }: ChaincodeDefinition): void {
  if (!CHAINCODE_NAME.test(name)) {
    throw new RangeError(
      `invalid chaincode name '${name}'. Names can only consist of alphanumerics, '_', and '-' and can only begin with alphanumerics`,
    );
  }
  const wrong = staticCollections(collections).find((collection) => !COLLECTION_NAME.test(collection.getName()));
  if (wrong === undefined) return;
  throw new RangeError(
    `invalid collection name '${wrong.getName()}'. Names can only consist of alphanumerics, '_', and '-' and cannot begin with '_'`,
  );
}

function outOf(...args: Parameters<typeof outOfPolicy>): Policy {
  return compileSignaturePolicy(outOfPolicy(...args));
}

const NOBODY: Policy = () => false;
