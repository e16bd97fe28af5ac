import type { Version } from '../peer-ledger.js';

/** Where Fabric keeps what the organisations have agreed on about chaincodes. */
export const LIFECYCLE_NAMESPACE = '_lifecycle';

/**
 * The chaincodes of this ledger are given when it starts and never change, so that their definitions count as written
 * with the channel itself. On a real channel it is the version of the transaction that committed the definition.
 */
export const DEFINITION_VERSION: Version = { blockNumber: 0, txNumber: 0 };

/**
 * The key that every simulation reads first, so that what was endorsed under one definition of the chaincode is
 * invalid under the next.
 *
 * @see Fabric core/chaincode/lifecycle/endorsement_info.go, CachedChaincodeInfo
 */
export function definitionKey(chaincode: string): string {
  return `namespaces/fields/${chaincode}/Sequence`;
}
