import { parseChaincodeEffect, parseEndorsedTransaction } from '../../network/devledger/commit/endorsed-transaction.js';
import {
  computeTxId,
  type ParsedEnvelope,
  parseEnvelope,
  type Rejected,
} from '../../network/devledger/commit/envelope.js';
import { verifiedIdentity } from './certified.js';
import type { ReceiptCase } from './receipt-case.js';
import { fault, ReceiptFault } from './receipt-fault.js';

/** Who called signed the call, and the transaction's id is the one that follows from it. */
export function checkCreator(given: ReceiptCase): string {
  const { receipt, registry, transaction } = given;
  const envelope = accepted(parseEnvelope(given.envelope), 'the envelope');
  const { creator, payload: bytes, signature, timestampMs: atMs } = envelope;
  const { ou } = verifiedIdentity(registry, { identity: creator, bytes, signature, atMs });
  if (ou !== 'client') fault(`the call was signed by a ${ou}, not by a member`);
  const txId = computeTxId(envelope.nonce, creator);
  if (txId !== envelope.txId || txId !== receipt.transactionId)
    fault('the transaction id does not follow from the call');
  if (envelope.channel !== receipt.channel) fault(`the call was made on channel ${envelope.channel}`);
  const { memberId, mspId } = transaction.creator;
  return `${memberId ?? 'nobody'} of ${mspId} on ${new Date(atMs).toISOString()}, transaction ${txId}`;
}

/** Enough organisations' peers signed the answer, which is bound to exactly these arguments. */
export function checkEndorsements(given: ReceiptCase): string {
  const { rules, transaction } = given;
  const envelope = accepted(parseEnvelope(given.envelope), 'the envelope');
  const endorsed = accepted(parseEndorsedTransaction(envelope), 'the endorsed answer, or what it is bound to,');
  const { chaincode } = accepted(parseChaincodeEffect(envelope, endorsed), "the chaincode's name or its effect");
  if (chaincode !== rules.chaincode) fault(`chaincode ${chaincode} answered, not ${rules.chaincode}`);
  const good = endorsed.endorsements.flatMap((endorsement) =>
    endorsingOrganisation(given, envelope, { ...endorsement, answer: endorsed.proposalResponsePayload }),
  );
  const mspIds = [...new Set(good)].filter((mspId) => rules.endorsers.includes(mspId));
  if (mspIds.length < rules.needed)
    fault(`it takes peers of ${rules.needed} organisations, and here are those of ${mspIds.length}`);
  return `peers of ${mspIds.join(' and ')} answered ${transaction.transaction} of ${chaincode}, bound to its arguments`;
}

/** A bad endorsement counts for nothing but does no harm to the others, as in Fabric. */
function endorsingOrganisation(
  { registry }: ReceiptCase,
  { timestampMs: atMs }: ParsedEnvelope,
  { endorser, signature, answer }: { endorser: Uint8Array; signature: Uint8Array; answer: Uint8Array },
): readonly string[] {
  try {
    const bytes = Buffer.concat([answer, endorser]);
    const { ou, mspId } = verifiedIdentity(registry, { identity: endorser, bytes, signature, atMs });
    return ou === 'peer' ? [mspId] : [];
  } catch (error) {
    if (error instanceof ReceiptFault) return [];
    throw error;
  }
}

function accepted<T extends object>(parsed: T | Rejected, what: string): T {
  return 'rejected' in parsed ? fault(`${what} is not as Fabric's peers accept it (code ${parsed.rejected})`) : parsed;
}
