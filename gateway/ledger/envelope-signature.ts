import { createHash } from 'node:crypto';
import { common } from '@hyperledger/fabric-protos';
import { isSignedBy } from './certificate-reader.js';
import type { LedgerTransaction } from './ledger-block.js';
import { readHeaders } from './transaction-reader.js';

/**
 * Whether the creator signed this envelope, and the transaction id is the one that creator and nonce make. Who the
 * creator is to the channel is for the caller to compare: by key, with the register.
 */
export function creatorSigned(
  transaction: Pick<LedgerTransaction, 'txId' | 'creator' | 'payload' | 'signature'>,
): boolean {
  const { creator, payload, signature, txId } = transaction;
  return isSignedBy(creator.certificatePem, payload, signature) && transactionIdOf(payload) === txId;
}

function transactionIdOf(payload: Uint8Array): string {
  const { signatureHeader } = readHeaders(common.Payload.deserializeBinary(payload));
  const hash = createHash('sha256').update(signatureHeader.getNonce_asU8()).update(signatureHeader.getCreator_asU8());
  return hash.digest('hex');
}

/**
 * SHA-256 of the envelope as it lies in the block: common.Envelope, payload before signature.
 *
 * @returns lower-case hex
 */
export function envelopeDigest({ payload, signature }: Pick<LedgerTransaction, 'payload' | 'signature'>): string {
  const envelope = new common.Envelope();
  envelope.setPayload(payload);
  envelope.setSignature(signature);
  return createHash('sha256').update(envelope.serializeBinary()).digest('hex');
}
