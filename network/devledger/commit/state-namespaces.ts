/**
 * Where a peer keeps what is not a chaincode's public value: in namespaces of their own beside the chaincode's, as
 * Fabric does. A chaincode's or collection's name holds no `$`.
 *
 * - `cc$$h$collection`: hashes of private values, under the hash of the key in lower-case hex
 * - `cc$$m`, `cc$$h$collection$$m`: metadata of keys, serialised kvrwset.KVMetadataWrite with the entries alone
 */
export interface ParsedNamespace {
  readonly kind: 'public' | 'hash' | 'metadata';
  readonly chaincode: string;
  /** Empty for public values. */
  readonly collection: string;
}

const HASH_MARK = '$$h$';
const METADATA_MARK = '$$m';
/** Chaincodes that ever had metadata; the others need not be asked for any. */
export const METADATA_USERS = '$$metadata';

export function hashNamespace(chaincode: string, collection: string): string {
  return `${chaincode}${HASH_MARK}${collection}`;
}

/** @param namespace - of the keys that the metadata belong to: a chaincode's own, or that of its hashes */
export function metadataNamespace(namespace: string): string {
  return `${namespace}${METADATA_MARK}`;
}

export function parseNamespace(namespace: string): ParsedNamespace {
  if (namespace === METADATA_USERS || namespace.endsWith(METADATA_MARK)) {
    return { kind: 'metadata', chaincode: chaincodeOf(namespace), collection: '' };
  }
  const mark = namespace.indexOf(HASH_MARK);
  if (mark < 0) return { kind: 'public', chaincode: namespace, collection: '' };
  return { kind: 'hash', chaincode: namespace.slice(0, mark), collection: namespace.slice(mark + HASH_MARK.length) };
}

/** The chaincode a namespace belongs to. */
export function chaincodeOf(namespace: string): string {
  const mark = namespace.indexOf('$$');
  return mark < 0 ? namespace : namespace.slice(0, mark);
}
