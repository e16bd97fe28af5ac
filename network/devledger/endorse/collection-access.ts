import type { ChannelRules } from '../commit/channel-rules.js';
import type { CollectionRules } from '../commit/collection-rules.js';
import type { PolicySigner } from '../commit/signature-policy.js';

/**
 * What the creator of one proposal may do with private data. Without the restrictions `memberOnlyRead` and
 * `memberOnlyWrite` anybody may, as far as the chaincode lets them.
 *
 * @see Fabric core/common/privdata/store.go, RetrieveReadWritePermission
 */
export class CollectionAccess {
  readonly #rules: ChannelRules;
  readonly #creator: PolicySigner;

  constructor(rules: ChannelRules, creator: PolicySigner) {
    this.#rules = rules;
    this.#creator = creator;
  }

  /** @throws Error there is no such collection, or it is not for the creator */
  requireRead(chaincode: string, name: string): void {
    const collection = this.#collection(chaincode, name);
    if (!collection.memberOnlyRead || collection.isMember(this.#creator)) return;
    throw denied('read', chaincode, name);
  }

  /** @throws Error there is no such collection, or it is not for the creator */
  requireWrite(chaincode: string, name: string): void {
    const collection = this.#collection(chaincode, name);
    if (!collection.memberOnlyWrite || collection.isMember(this.#creator)) return;
    throw denied('write', chaincode, name);
  }

  #collection(chaincode: string, name: string): CollectionRules {
    const collection = this.#rules.collection(chaincode, name);
    if (collection !== undefined) return collection;
    throw new Error(`collection ${this.#rules.channel}/${chaincode}/${name} could not be found`);
  }
}

function denied(what: 'read' | 'write', chaincode: string, collection: string): Error {
  return new Error(
    `tx creator does not have ${what} access permission on privatedata in chaincodeName:${chaincode} ` +
      `collectionName: ${collection}`,
  );
}
