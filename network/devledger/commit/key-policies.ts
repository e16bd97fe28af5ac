import type { KeyName, StateReader } from '../store/state-reader.js';
import type { ChannelRules } from './channel-rules.js';
import { type KeyWrite, type MetadataWrite, type NamespaceSet, parseMetadata } from './read-write-sets.js';
import { type Policy, type PolicySigner, parseSignaturePolicy } from './signature-policy.js';
import { chaincodeOf, hashNamespace, METADATA_USERS, metadataNamespace } from './state-namespaces.js';

/** Entry of a key's metadata that holds its endorsement policy: a serialised SignaturePolicyEnvelope. */
export const VALIDATION_PARAMETER = 'VALIDATION_PARAMETER';

export interface WrittenKeys {
  /** Where the keys are kept: the chaincode's own namespace, or that of a collection's hashes. */
  readonly namespace: string;
  /** Empty for public keys. */
  readonly collection: string;
  readonly writes: readonly KeyWrite[];
  readonly metadataWrites: readonly MetadataWrite[];
}

/** What a transaction writes in one namespace, public keys first, then collection by collection. */
export function writtenKeys({ namespace, writes, metadataWrites, collections }: NamespaceSet): WrittenKeys[] {
  return [
    { namespace, collection: '', writes, metadataWrites },
    ...collections.map((set) => ({ ...set, namespace: hashNamespace(namespace, set.collection) })),
  ];
}

export function writesAnything(set: NamespaceSet): boolean {
  return writtenKeys(set).some(({ writes, metadataWrites }) => writes.length > 0 || metadataWrites.length > 0);
}

/**
 * Key-level endorsement policies as they stood before a block, and which keys got another one in it. As in Fabric a
 * transaction that writes a key whose policy an earlier transaction of the same block changes is invalid: what it was
 * endorsed for is no longer what the key asks for.
 *
 * @see Fabric core/common/validation/statebased
 */
export class KeyPolicies {
  readonly #parameters: ReadonlyMap<string, Uint8Array>;
  readonly #changed = new Set<string>();

  private constructor(parameters: ReadonlyMap<string, Uint8Array>) {
    this.#parameters = parameters;
  }

  static async load(state: StateReader, sets: readonly NamespaceSet[]): Promise<KeyPolicies> {
    const users = await chaincodesWithMetadata(
      state,
      sets.map(({ namespace }) => namespace),
    );
    const written = sets.filter(({ namespace }) => users.has(namespace)).flatMap(writtenKeys);
    const names = new Map(
      written.flatMap(({ namespace, writes, metadataWrites }) =>
        [...writes, ...metadataWrites].map(({ key }) => [nameOf(namespace, key), { namespace, key }] as const),
      ),
    );
    const rows = [...names.values()].map(({ namespace, key }) => ({ namespace: metadataNamespace(namespace), key }));
    const found = await state.valuesOf(rows);
    const parameters = new Map<string, Uint8Array>();
    for (const [index, name] of [...names.keys()].entries()) {
      const metadata = found[index];
      const parameter = metadata && parseMetadata(metadata.value).get(VALIDATION_PARAMETER);
      if (parameter !== undefined && parameter.length > 0) parameters.set(name, parameter);
    }
    return new KeyPolicies(parameters);
  }

  /** Notes that an endorsed transaction changes policies, whatever else becomes of it. */
  note(sets: readonly NamespaceSet[]): void {
    for (const { namespace, metadataWrites } of sets.flatMap(writtenKeys)) {
      for (const { key } of metadataWrites) this.#changed.add(nameOf(namespace, key));
    }
  }

  isChanged(namespace: string, key: string): boolean {
    return this.#changed.has(nameOf(namespace, key));
  }

  of(namespace: string, key: string): Uint8Array | undefined {
    return this.#parameters.get(nameOf(namespace, key));
  }
}

/** Which of some chaincodes ever gave a key metadata. */
export async function chaincodesWithMetadata(
  state: StateReader,
  chaincodes: readonly string[],
): Promise<ReadonlySet<string>> {
  const distinct = [...new Set(chaincodes.map(chaincodeOf))];
  const rows = distinct.map((key): KeyName => ({ namespace: METADATA_USERS, key }));
  const versions = await state.versions(rows);
  return new Set(distinct.filter((_, index) => versions[index] !== undefined));
}

/**
 * Whether the endorsers of a transaction are enough for what it does in one namespace: the policy of each key that has
 * one; for the others that of their collection or of the chaincode; the chaincode's where no other was asked for.
 */
export function satisfiesNamespace(
  set: NamespaceSet,
  signers: readonly PolicySigner[],
  rules: ChannelRules,
  keys: KeyPolicies,
): boolean {
  const ofChaincode = rules.chaincodePolicy(set.namespace);
  if (!writesAnything(set)) return ofChaincode(signers);
  return writtenKeys(set).every(({ namespace, collection, writes, metadataWrites }) => {
    const ofCollection = collection === '' ? 'chaincode' : rules.collectionPolicy(set.namespace, collection);
    const otherwise = orElse(ofCollection, ofChaincode);
    return [...writes, ...metadataWrites].every(({ key }) =>
      satisfiesKey(keys, { namespace, key }, otherwise, signers),
    );
  });
}

function satisfiesKey(
  keys: KeyPolicies,
  { namespace, key }: KeyName,
  otherwise: Policy | undefined,
  signers: readonly PolicySigner[],
): boolean {
  if (keys.isChanged(namespace, key)) return false;
  const parameter = keys.of(namespace, key);
  const policy = parameter === undefined ? otherwise : parseSignaturePolicy(parameter);
  return policy?.(signers) === true;
}

function orElse(policy: Policy | 'chaincode' | undefined, ofChaincode: Policy): Policy | undefined {
  return policy === 'chaincode' ? ofChaincode : policy;
}

function nameOf(namespace: string, key: string): string {
  return `${namespace}\u0000${key}`;
}
