import { common, gateway, ledger, msp, peer } from '@hyperledger/fabric-protos';

/** A prepared transaction taken apart, to be looked at or to be put together otherwise. */
export interface TransactionParts {
  readonly header: common.Header;
  readonly transaction: peer.Transaction;
  readonly action: peer.ChaincodeActionPayload;
  readonly response: peer.ProposalResponsePayload;
  readonly chaincodeAction: peer.ChaincodeAction;
  readonly endorsements: readonly peer.Endorsement[];
  /** Serialised rwset.TxReadWriteSet. */
  readonly readWriteSet: Uint8Array;
}

/** @param prepared - bytes of a fabric-gateway Transaction */
export function partsOfPrepared(prepared: Uint8Array): TransactionParts {
  const envelope = gateway.PreparedTransaction.deserializeBinary(prepared).getEnvelope();
  return partsOfEnvelope(envelope ?? new common.Envelope());
}

/** @param source - common.Envelope of an endorsed transaction, or its bytes */
export function partsOfEnvelope(source: common.Envelope | Uint8Array): TransactionParts {
  const envelope = source instanceof Uint8Array ? common.Envelope.deserializeBinary(source) : source;
  const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
  const transaction = peer.Transaction.deserializeBinary(payload.getData_asU8());
  const [only] = transaction.getActionsList();
  const action = peer.ChaincodeActionPayload.deserializeBinary(only?.getPayload_asU8() ?? new Uint8Array());
  const endorsed = action.getAction() ?? new peer.ChaincodeEndorsedAction();
  const response = peer.ProposalResponsePayload.deserializeBinary(endorsed.getProposalResponsePayload_asU8());
  const chaincodeAction = peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8());
  return {
    header: payload.getHeader() ?? new common.Header(),
    transaction,
    action,
    response,
    chaincodeAction,
    endorsements: endorsed.getEndorsementsList(),
    readWriteSet: chaincodeAction.getResults_asU8(),
  };
}

/** MSP ids of the endorsers, in order. */
export function endorsersOf({ endorsements }: Pick<TransactionParts, 'endorsements'>): string[] {
  return endorsements.map((endorsement) =>
    msp.SerializedIdentity.deserializeBinary(endorsement.getEndorser_asU8()).getMspid(),
  );
}

export interface NamespaceSet {
  readonly namespace: string;
  readonly set: ledger.rwset.kvrwset.KVRWSet;
}

export function namespaceSets(readWriteSet: Uint8Array): NamespaceSet[] {
  return ledger.rwset.TxReadWriteSet.deserializeBinary(readWriteSet)
    .getNsRwsetList()
    .map((set) => ({
      namespace: set.getNamespace(),
      set: ledger.rwset.kvrwset.KVRWSet.deserializeBinary(set.getRwset_asU8()),
    }));
}

/** The chaincode's own part of a read/write set. */
export function setOf(readWriteSet: Uint8Array, namespace: string): ledger.rwset.kvrwset.KVRWSet {
  const found = namespaceSets(readWriteSet).find((candidate) => candidate.namespace === namespace);
  if (found === undefined) throw new Error(`nothing of ${namespace} in the read/write set`);
  return found.set;
}

export interface HeaderParts {
  readonly channelHeader: common.ChannelHeader;
  readonly signatureHeader: common.SignatureHeader;
}

export function headerParts(header: common.Header): HeaderParts {
  return {
    channelHeader: common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8()),
    signatureHeader: common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8()),
  };
}
