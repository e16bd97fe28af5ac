import { type KeyObject, randomBytes } from 'node:crypto';
import { common } from '@hyperledger/fabric-protos';
import { sealedMetadata } from '../commit/block-codec.js';
import { type BlockHeader, blockHeaderBytes } from '../commit/block-hash.js';
import { lastConfig, ordererBlockMetadata } from '../commit/ordering-section.js';
import type { ChannelOrdering } from '../commit/channel-ordering.js';
import { signLowS } from '../low-s.js';

/** What the orderer signs blocks with. */
export interface OrdererIdentity {
  /** msp.SerializedIdentity of its certificate. */
  readonly serialized: Uint8Array;
  readonly privateKey: KeyObject;
}

export interface BlockSealing {
  readonly ordering: ChannelOrdering;
  readonly identity: OrdererIdentity;
}

const NONCE_BYTES = 24;

/**
 * Metadata of a new block with the orderer's signature over (what it says of the block ‖ who signs ‖ the header).
 *
 * @param ordererValue - what the orderer keeps in the block for itself; signed too
 * @see Fabric orderer/common/multichannel/blockwriter.go, addBlockSignature
 */
export function sealBlock(
  header: BlockHeader,
  ordererValue: Uint8Array,
  { ordering, identity }: BlockSealing,
): Uint8Array[] {
  const value = ordererBlockMetadata(ordererValue);
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setCreator(identity.serialized);
  signatureHeader.setNonce(randomBytes(NONCE_BYTES));
  const named = signatureHeader.serializeBinary();
  const signed = Buffer.concat([value, named, blockHeaderBytes(header)]);
  const made = signLowS(identity.privateKey, signed);
  // Peers of this process need not check what it has just made.
  ordering.signatures.remember(identity.serialized, signed, made);
  const signature = new common.MetadataSignature();
  signature.setSignatureHeader(named);
  signature.setSignature(made);
  const signatures = new common.Metadata();
  signatures.setValue(value);
  signatures.setSignaturesList([signature]);
  return sealedMetadata({ signatures, lastConfig: lastConfig().serializeBinary() });
}
