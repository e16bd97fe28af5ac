import { common } from '@hyperledger/fabric-protos';
import { DomainError, fromBase64url } from '@medledger/chaincode/domain';
import { createCertificateReader } from '../../gateway/ledger/certificate-reader.js';
import type { LedgerTransaction } from '../../gateway/ledger/ledger-block.js';
import { readTransaction } from '../../gateway/ledger/transaction-reader.js';
import { type DecisionReceipt, parseReceipt } from '../../gateway/services/receipts/receipt.js';
import { type MspDefinition, MspRegistry } from '../../network/devledger/msp.js';
import { fault } from './receipt-fault.js';

/** What holds on the channel, whoever says what. */
export interface ReceiptRules {
  readonly chaincode: string;
  /** MSP ids of the organisations whose peers endorse. */
  readonly endorsers: readonly string[];
  /** How many of them must have endorsed, and must attest. */
  readonly needed: number;
}

/** A receipt taken apart; nothing of it is verified yet. */
export interface ReceiptCase {
  readonly receipt: DecisionReceipt;
  readonly registry: MspRegistry;
  readonly rules: ReceiptRules;
  /** Serialised common.Envelope. */
  readonly envelope: Uint8Array;
  readonly transaction: LedgerTransaction;
}

/** @throws ReceiptFault when the bytes are not one canonical receipt with an endorsed transaction in it */
export function openReceipt(
  bytes: Uint8Array,
  { members, rules }: { readonly members: readonly MspDefinition[]; readonly rules: ReceiptRules },
): ReceiptCase {
  const receipt = readReceipt(bytes);
  const envelope = new common.Envelope();
  envelope.setPayload(fromBase64url(receipt.envelope.payload));
  envelope.setSignature(fromBase64url(receipt.envelope.signature));
  const place = { index: -1, validationCode: '' };
  const transaction = readTransaction(envelope, place, createCertificateReader());
  if (transaction.kind !== 'endorser') fault('the envelope holds no endorsed transaction');
  return { receipt, rules, registry: new MspRegistry(members), envelope: envelope.serializeBinary(), transaction };
}

function readReceipt(bytes: Uint8Array): DecisionReceipt {
  try {
    return parseReceipt(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    if (cause instanceof DomainError || cause instanceof TypeError)
      return fault(`this is no receipt as a gateway writes it: ${cause.message}`, cause);
    throw cause;
  }
}
