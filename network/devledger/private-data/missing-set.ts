import { peer } from '@hyperledger/fabric-protos';
import { type BlockParts, validationCodes } from '../commit/block-codec.js';
import { effectOf } from '../commit/endorsed-transaction.js';
import { parseEnvelope } from '../commit/envelope.js';
import { type JudgedTransaction, requestsOf, type SetRequest } from './private-keeper.js';
import type { SetPlace } from './private-rows.js';

const { VALID } = peer.TxValidationCode;

/** What the transactions of a committed block say of private data. */
export function validTransactions(block: BlockParts): JudgedTransaction[] {
  const codes = validationCodes(block);
  return block.envelopes.map((bytes, txNumber) => {
    const envelope = parseEnvelope(bytes);
    if ('rejected' in envelope || block.number === 0) return { txId: '', sets: [] };
    return { txId: envelope.txId, sets: codes[txNumber] === VALID ? effectOf(envelope) : [] };
  });
}

/** The private writes that a transaction of a block stands for in one collection. */
export function requestAt(block: BlockParts, place: SetPlace): SetRequest | undefined {
  const transaction = validTransactions(block)[place.txNumber];
  if (transaction === undefined) return undefined;
  return requestsOf(place, transaction.txId, transaction.sets).find(
    ({ namespace, collection }) => namespace === place.namespace && collection === place.collection,
  );
}
