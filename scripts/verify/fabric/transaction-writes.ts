import { ledger, peer } from '@hyperledger/fabric-protos';
import type { EndorsedTransaction } from '../../../network/devledger/commit/endorsed-transaction.js';
import { decoded } from '../../../network/devledger/commit/envelope.js';
import type { Version } from '../../../network/devledger/peer-ledger.js';

const { kvrwset, TxReadWriteSet } = ledger.rwset;

/** What a transaction read or wrote of the hashes of a private collection. */
export interface HashedSet {
  /** Of the chaincode. */
  readonly namespace: string;
  readonly collection: string;
  readonly reads: readonly { readonly keyHash: Uint8Array; readonly version: Version | undefined }[];
  readonly writes: readonly { readonly keyHash: Uint8Array; readonly valueHash: Uint8Array | undefined }[];
}

/**
 * The hashes in an endorsed action: of what organisations keep to themselves, which on our channel is nothing but their
 * approvals of chaincode definitions.
 */
export function hashedSetsOf({ action }: EndorsedTransaction): readonly HashedSet[] {
  const results = decoded(() => peer.ChaincodeAction.deserializeBinary(action).getResults_asU8());
  const set = results && decoded(() => TxReadWriteSet.deserializeBinary(results));
  return (set?.getNsRwsetList() ?? []).flatMap((namespaceSet) =>
    namespaceSet.getCollectionHashedRwsetList().map((hashed) => ({
      namespace: namespaceSet.getNamespace(),
      collection: hashed.getCollectionName(),
      ...hashesOf(hashed.getHashedRwset_asU8()),
    })),
  );
}

function hashesOf(bytes: Uint8Array): Pick<HashedSet, 'reads' | 'writes'> {
  const set = decoded(() => kvrwset.HashedRWSet.deserializeBinary(bytes));
  return {
    reads: (set?.getHashedReadsList() ?? []).map((read) => {
      const version = read.getVersion();
      return {
        keyHash: read.getKeyHash_asU8(),
        version: version && { blockNumber: version.getBlockNum(), txNumber: version.getTxNum() },
      };
    }),
    writes: (set?.getHashedWritesList() ?? []).map((write) => ({
      keyHash: write.getKeyHash_asU8(),
      valueHash: write.getIsDelete() ? undefined : write.getValueHash_asU8(),
    })),
  };
}

const HASHES = '$$h';
const PRIVATE = '$$p';

/** Namespace under which a peer's state keeps the hashes of a collection. */
export function hashesNamespace({ namespace, collection }: Pick<HashedSet, 'namespace' | 'collection'>): string {
  return `${namespace}${HASHES}${collection}`;
}

/** For the namespace of a collection's values the one of their hashes; undefined for any other. */
export function hashesBeside(namespace: string): string | undefined {
  const at = namespace.indexOf(PRIVATE);
  return at < 0 ? undefined : `${namespace.slice(0, at)}${HASHES}${namespace.slice(at + PRIVATE.length)}`;
}

/** Keys of hashes are bytes and no text: in a replayed state, and in findings, they are hex. */
export function stateKeyText(namespace: string, key: Uint8Array): string {
  return Buffer.from(key).toString(namespace.includes(HASHES) ? 'hex' : 'utf8');
}
