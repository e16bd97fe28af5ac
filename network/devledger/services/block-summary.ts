import { common, peer } from '@hyperledger/fabric-protos';
import { parseMessage } from '../wire/parse-message.js';

export interface TransactionSummary {
  readonly txId: string;
  /** common.HeaderType */
  readonly type: number;
  /** Fabric's TxValidationCode. */
  readonly validationCode: number;
  readonly event: peer.ChaincodeEvent | undefined;
}

/** What events and filtered blocks are made of: a block without its payloads. */
export interface BlockSummary {
  readonly blockNumber: number;
  readonly channel: string;
  readonly transactions: readonly TransactionSummary[];
}

/** @param bytes - serialised common.Block with its validation codes */
export function summariseBlock(bytes: Uint8Array): BlockSummary {
  const block = parseMessage(common.Block, bytes);
  const codes = block.getMetadata()?.getMetadataList_asU8()[common.BlockMetadataIndex.TRANSACTIONS_FILTER];
  const envelopes = block.getData()?.getDataList_asU8() ?? [];
  const headers = envelopes.map((envelope) => readEnvelope(envelope));
  return {
    blockNumber: block.getHeader()?.getNumber() ?? 0,
    channel: headers.find((header) => header.channel !== '')?.channel ?? '',
    transactions: headers.map(({ txId, type, event }, index) => ({
      txId,
      type,
      event,
      validationCode: codes?.[index] ?? peer.TxValidationCode.NOT_VALIDATED,
    })),
  };
}

type EnvelopeSummary = Omit<TransactionSummary, 'validationCode'> & { readonly channel: string };

/** An envelope that cannot be read is in the block all the same, marked invalid; it has no id and no event. */
function readEnvelope(bytes: Uint8Array): EnvelopeSummary {
  const summary = { channel: '', txId: '', type: common.HeaderType.MESSAGE, event: undefined };
  try {
    const payload = parseMessage(common.Payload, parseMessage(common.Envelope, bytes).getPayload_asU8());
    const header = parseMessage(common.ChannelHeader, payload.getHeader()?.getChannelHeader_asU8() ?? EMPTY);
    const type = header.getType();
    const event = type === common.HeaderType.ENDORSER_TRANSACTION ? readEvent(payload.getData_asU8()) : undefined;
    return { channel: header.getChannelId(), txId: header.getTxId(), type, event };
  } catch {
    return summary;
  }
}

const EMPTY = new Uint8Array();

function readEvent(transactionBytes: Uint8Array): peer.ChaincodeEvent | undefined {
  const [action] = parseMessage(peer.Transaction, transactionBytes).getActionsList();
  const actionPayload = parseMessage(peer.ChaincodeActionPayload, action?.getPayload_asU8() ?? EMPTY);
  const responsePayload = parseMessage(
    peer.ProposalResponsePayload,
    actionPayload.getAction()?.getProposalResponsePayload_asU8() ?? EMPTY,
  );
  const events = parseMessage(peer.ChaincodeAction, responsePayload.getExtension_asU8()).getEvents_asU8();
  return events.length === 0 ? undefined : parseMessage(peer.ChaincodeEvent, events);
}
