import { common, peer } from '@hyperledger/fabric-protos';
import { lengthDelimitedField, varintField } from '../endorse/wire-format.js';
import type { BlockFeed } from './block-feed.js';
import type { BlockSummary } from './block-summary.js';
import { parseHeaderType, parseValidationCode } from './proto-codes.js';

/** The three ways in which blocks are delivered. */
export type DeliverKind = 'block' | 'filtered' | 'block-and-private-data';

/** Field numbers of protos.DeliverResponse and protos.BlockAndPrivateData. */
const DELIVER_BLOCK = 2;
const DELIVER_BLOCK_AND_PRIVATE_DATA = 4;
const PRIVATE_DATA_BLOCK = 1;
const PRIVATE_DATA_MAP = 2;
/** Fields of an entry of a map. */
const MAP_KEY = 1;
const MAP_VALUE = 2;

/** Serialised rwset.TxPvtReadWriteSet by number of the transaction in its block. */
export type PrivateDataOfBlock = ReadonlyMap<number, Uint8Array>;

/**
 * Serialised protos.DeliverResponse with one block. A whole block goes out as it lies in the store, without being
 * parsed.
 */
export async function deliveredBlock(
  feed: BlockFeed,
  blockNumber: number,
  kind: DeliverKind,
  privateData: () => Promise<PrivateDataOfBlock>,
): Promise<Uint8Array> {
  if (kind === 'filtered') {
    const response = new peer.DeliverResponse();
    response.setFilteredBlock(filteredBlock(await feed.summary(blockNumber)));
    return response.serializeBinary();
  }
  const block = await feed.block(blockNumber);
  if (kind === 'block') return lengthDelimitedField(DELIVER_BLOCK, block);
  const sets = [...(await privateData())].map(([txNumber, set]) =>
    lengthDelimitedField(
      PRIVATE_DATA_MAP,
      Buffer.concat([varintField(MAP_KEY, txNumber), lengthDelimitedField(MAP_VALUE, set)]),
    ),
  );
  const body = Buffer.concat([lengthDelimitedField(PRIVATE_DATA_BLOCK, block), ...sets]);
  return lengthDelimitedField(DELIVER_BLOCK_AND_PRIVATE_DATA, body);
}

/** Serialised protos.DeliverResponse that ends a delivery. */
export function deliverStatus(status: common.StatusMap[keyof common.StatusMap]): Uint8Array {
  const response = new peer.DeliverResponse();
  response.setStatus(status);
  return response.serializeBinary();
}

/** @see Fabric core/peer/deliverevents.go, toFilteredBlock */
function filteredBlock(summary: BlockSummary): peer.FilteredBlock {
  const block = new peer.FilteredBlock();
  block.setChannelId(summary.channel);
  block.setNumber(summary.blockNumber);
  block.setFilteredTransactionsList(summary.transactions.map((transaction) => filteredTransaction(transaction)));
  return block;
}

function filteredTransaction(summary: BlockSummary['transactions'][number]): peer.FilteredTransaction {
  const transaction = new peer.FilteredTransaction();
  transaction.setTxid(summary.txId);
  transaction.setType(parseHeaderType(summary.type));
  transaction.setTxValidationCode(parseValidationCode(summary.validationCode));
  if (summary.type !== common.HeaderType.ENDORSER_TRANSACTION) return transaction;
  const actions = new peer.FilteredTransactionActions();
  if (summary.event !== undefined && summary.event.getChaincodeId() !== '') {
    // The event's payload is what a filtered block leaves out.
    const event = new peer.ChaincodeEvent();
    event.setTxId(summary.event.getTxId());
    event.setChaincodeId(summary.event.getChaincodeId());
    event.setEventName(summary.event.getEventName());
    const action = new peer.FilteredChaincodeAction();
    action.setChaincodeEvent(event);
    actions.setChaincodeActionsList([action]);
  }
  transaction.setTransactionActions(actions);
  return transaction;
}
