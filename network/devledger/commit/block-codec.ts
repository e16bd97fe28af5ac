import { common } from '@hyperledger/fabric-protos';
import { parseMessage } from '../wire/parse-message.js';

/** A block taken apart; the envelopes are the bytes that were ordered. */
export interface BlockParts {
  readonly number: number;
  /** Empty for block 0. */
  readonly previousHash: Uint8Array;
  readonly dataHash: Uint8Array;
  readonly envelopes: readonly Uint8Array[];
  /** By common.BlockMetadataIndex. */
  readonly metadata: readonly Uint8Array[];
}

/** common.BlockMetadataIndex: SIGNATURES, LAST_CONFIG, TRANSACTIONS_FILTER, ORDERER, COMMIT_HASH. */
const METADATA_SLOTS = 5;
const SIGNATURES = 0;
const LAST_CONFIG = 1;
const TRANSACTIONS_FILTER = 2;
const ORDERER = 3;
const COMMIT_HASH = 4;

/**
 * @throws RangeError when the bytes are no serialised common.Block
 */
export function parseBlock(bytes: Uint8Array): BlockParts {
  let block: common.Block;
  try {
    block = parseMessage(common.Block, bytes);
  } catch (cause) {
    throw new RangeError('These bytes are not a block.', { cause });
  }
  const header = block.getHeader();
  if (header === undefined) throw new RangeError('These bytes are not a block: the header is missing.');
  return {
    number: header.getNumber(),
    previousHash: header.getPreviousHash_asU8(),
    dataHash: header.getDataHash_asU8(),
    envelopes: block.getData()?.getDataList_asU8() ?? [],
    metadata: block.getMetadata()?.getMetadataList_asU8() ?? [],
  };
}

export function encodeBlock(parts: BlockParts): Uint8Array {
  const header = new common.BlockHeader();
  header.setNumber(parts.number);
  header.setPreviousHash(parts.previousHash);
  header.setDataHash(parts.dataHash);
  const data = new common.BlockData();
  data.setDataList([...parts.envelopes]);
  const metadata = new common.BlockMetadata();
  metadata.setMetadataList([...parts.metadata]);
  const block = new common.Block();
  block.setHeader(header);
  block.setData(data);
  block.setMetadata(metadata);
  return block.serializeBinary();
}

/** Metadata of a block as the orderer hands it out: only its own slot is filled. */
export function orderedMetadata(ordererValue: Uint8Array): Uint8Array[] {
  const slots = emptySlots();
  slots[ORDERER] = metadataValue(ordererValue);
  return slots;
}

/** Metadata as Fabric's orderers fill it: what they sign, their signatures and the last block of configuration. */
export function sealedMetadata(seal: {
  readonly signatures: common.Metadata;
  readonly lastConfig: Uint8Array;
}): Uint8Array[] {
  const slots = emptySlots();
  slots[SIGNATURES] = seal.signatures.serializeBinary();
  slots[LAST_CONFIG] = metadataValue(seal.lastConfig);
  return slots;
}

/** What the orderer put into a block's metadata, without what a peer added. */
export function orderersPart(metadata: readonly Uint8Array[]): Uint8Array[] {
  return emptySlots().map((empty, index) =>
    index === TRANSACTIONS_FILTER || index === COMMIT_HASH ? empty : (metadata[index] ?? empty),
  );
}

/** The same metadata with what the committing peer found. */
export function committedMetadata(
  metadata: readonly Uint8Array[],
  found: { readonly codes: Uint8Array; readonly commitHash: Uint8Array },
): Uint8Array[] {
  const slots = emptySlots().map((empty, index) => metadata[index] ?? empty);
  slots[TRANSACTIONS_FILTER] = found.codes;
  // Block 0 carries no commit hash in Fabric either.
  slots[COMMIT_HASH] = found.commitHash.length === 0 ? new Uint8Array() : metadataValue(found.commitHash);
  return slots;
}

/** One TxValidationCode per transaction; empty before a peer has committed the block. */
export function validationCodes(block: BlockParts): Uint8Array {
  return block.metadata[TRANSACTIONS_FILTER] ?? new Uint8Array();
}

export function storedCommitHash(block: BlockParts): Uint8Array {
  return readMetadataValue(block.metadata[COMMIT_HASH]);
}

/**
 * What the orderer keeps in a block for itself: signed with the block, or in a slot of its own where it signs none.
 *
 * @see Fabric protoutil/blockutils.go, GetConsenterMetadataFromBlock
 */
export function ordererValue(block: BlockParts): Uint8Array {
  const signed = readMetadataValue(block.metadata[SIGNATURES]);
  if (signed.length === 0) return readMetadataValue(block.metadata[ORDERER]);
  return readMetadataValue(parseOrdererMetadata(signed).getConsenterMetadata_asU8());
}

function parseOrdererMetadata(bytes: Uint8Array): common.OrdererBlockMetadata {
  try {
    return parseMessage(common.OrdererBlockMetadata, bytes);
  } catch (cause) {
    throw new RangeError('The metadata of this block cannot be read.', { cause });
  }
}

function emptySlots(): Uint8Array[] {
  return Array.from({ length: METADATA_SLOTS }, () => new Uint8Array());
}

function metadataValue(value: Uint8Array): Uint8Array {
  const metadata = new common.Metadata();
  metadata.setValue(value);
  return metadata.serializeBinary();
}

function readMetadataValue(slot: Uint8Array | undefined): Uint8Array {
  if (slot === undefined || slot.length === 0) return new Uint8Array();
  try {
    return parseMessage(common.Metadata, slot).getValue_asU8();
  } catch (cause) {
    throw new RangeError('The metadata of this block cannot be read.', { cause });
  }
}
