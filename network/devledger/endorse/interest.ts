import { VALIDATION_PARAMETER } from '../commit/key-policies.js';
import { parseMetadata } from '../commit/read-write-sets.js';
import { type Policy, parseSignaturePolicy } from '../commit/signature-policy.js';
import { hashNamespace, METADATA_USERS, metadataNamespace } from '../commit/state-namespaces.js';
import type { StateSnapshot } from '../peer-ledger.js';
import { keyHash } from './private-simulation.js';
import type { CollectionRecord, NamespaceRecord, SimulationRecord } from './simulation-record.js';

/** What a transaction touched that has a say in who must endorse it. */
export interface ChaincodeInterest {
  readonly chaincode: string;
  /** Empty for public keys. */
  readonly collection: string;
  /** Whether the policy of the chaincode, or of the collection, is asked for. */
  readonly needsPolicy: boolean;
  /** Policies of keys that have their own; undefined for one that cannot be read. */
  readonly keyPolicies: readonly (Policy | undefined)[];
  /** Whether values of the collection were read, which only members have. */
  readonly hasPrivateReads: boolean;
}

/** @see Fabric core/endorser/endorser.go, buildChaincodeInterest */
export async function interestOf(
  record: SimulationRecord,
  snapshot: StateSnapshot,
  isChaincode: (namespace: string) => boolean,
): Promise<ChaincodeInterest[]> {
  const interest: ChaincodeInterest[] = [];
  for (const [chaincode, namespace] of record.namespaces) {
    if (!isChaincode(chaincode)) continue;
    const usesMetadata = (await snapshot.get(METADATA_USERS, chaincode)) !== undefined;
    const parameters = (where: string, keys: Iterable<string>) =>
      usesMetadata ? keyParameters(snapshot, where, [...keys]) : [...keys].map(() => undefined);
    interest.push(...(await collectionInterest(chaincode, namespace, parameters)));
    interest.push(await publicInterest(chaincode, namespace, parameters));
  }
  return interest;
}

type Parameters = (where: string, keys: Iterable<string>) => Promise<Parameter[]> | Parameter[];
/** A key's own policy in bytes. */
type Parameter = Uint8Array | undefined;

async function publicInterest(
  chaincode: string,
  { writes, metadataWrites, collections }: NamespaceRecord,
  parameters: Parameters,
): Promise<ChaincodeInterest> {
  const found = await parameters(chaincode, new Set([...writes.keys(), ...metadataWrites.keys()]));
  const writesPrivate = [...collections.values()].some(writesAnything);
  return {
    chaincode,
    collection: '',
    // A chaincode that writes nothing at all is still answered for by those its own policy names.
    needsPolicy: found.some((parameter) => parameter === undefined) || (found.length === 0 && !writesPrivate),
    keyPolicies: policiesOf(found),
    hasPrivateReads: false,
  };
}

async function collectionInterest(
  chaincode: string,
  { collections }: NamespaceRecord,
  parameters: Parameters,
): Promise<ChaincodeInterest[]> {
  const interest: ChaincodeInterest[] = [];
  for (const [collection, record] of collections) {
    // Hashes are public: who only looks at those of a collection needs none of its members.
    if (!record.hasPrivateReads && !writesAnything(record)) continue;
    const keys = new Set([...record.writes.keys(), ...record.metadataWrites.keys()].map(keyHash));
    const found = await parameters(hashNamespace(chaincode, collection), keys);
    interest.push({
      chaincode,
      collection,
      needsPolicy: record.hasPrivateReads || found.some((parameter) => parameter === undefined),
      keyPolicies: policiesOf(found),
      hasPrivateReads: record.hasPrivateReads,
    });
  }
  return interest;
}

function writesAnything({ writes, metadataWrites }: CollectionRecord): boolean {
  return writes.size > 0 || metadataWrites.size > 0;
}

async function keyParameters(snapshot: StateSnapshot, where: string, keys: readonly string[]): Promise<Parameter[]> {
  const namespace = metadataNamespace(where);
  return Promise.all(
    keys.map(async (key) => {
      const metadata = await snapshot.get(namespace, key);
      const parameter = metadata && parseMetadata(metadata.value).get(VALIDATION_PARAMETER);
      return parameter === undefined || parameter.length === 0 ? undefined : parameter;
    }),
  );
}

function policiesOf(parameters: readonly Parameter[]): (Policy | undefined)[] {
  return parameters.flatMap((parameter) => (parameter === undefined ? [] : [parseSignaturePolicy(parameter)]));
}
