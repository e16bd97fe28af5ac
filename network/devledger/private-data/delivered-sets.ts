import { ledger } from '@hyperledger/fabric-protos';
import type { ChannelRules } from '../commit/channel-rules.js';
import type { PolicySigner } from '../commit/signature-policy.js';
import type { PrivateDataKeeper, StoredSet } from './private-keeper.js';

const { rwset } = ledger;

/**
 * The private data of one block that a reader may have, by number of the transaction: of collections that it is a
 * member of, as far as the peer has them.
 *
 * @returns serialised rwset.TxPvtReadWriteSet
 * @see Fabric core/peer/deliverevents.go, blockAndPrivateDataResponseSender
 */
export async function deliveredSets(
  blockNumber: number,
  reader: PolicySigner,
  from: { readonly keeper: PrivateDataKeeper; readonly rules: ChannelRules },
): Promise<ReadonlyMap<number, Uint8Array>> {
  const sets = (await from.keeper.setsOf(blockNumber)).filter(({ namespace, collection }) =>
    from.rules.collection(namespace, collection)?.isMember(reader),
  );
  const byTransaction = Map.groupBy(sets, ({ txNumber }) => txNumber);
  return new Map([...byTransaction].map(([txNumber, stored]) => [txNumber, transactionMessage(stored)]));
}

function transactionMessage(stored: readonly StoredSet[]): Uint8Array {
  const message = new rwset.TxPvtReadWriteSet();
  message.setDataModel(rwset.TxReadWriteSet.DataModel.KV);
  for (const [namespace, sets] of Map.groupBy(stored, (set) => set.namespace)) {
    const namespaceSet = new rwset.NsPvtReadWriteSet();
    namespaceSet.setNamespace(namespace);
    namespaceSet.setCollectionPvtRwsetList(
      sets.map(({ collection, bytes }) => {
        const collectionSet = new rwset.CollectionPvtReadWriteSet();
        collectionSet.setCollectionName(collection);
        collectionSet.setRwset(bytes);
        return collectionSet;
      }),
    );
    message.addNsPvtRwset(namespaceSet);
  }
  return message.serializeBinary();
}
