import { createHash } from 'node:crypto';
import { peer } from '@hyperledger/fabric-protos';
import { type BlockParts, validationCodes } from '../../../network/devledger/commit/block-codec.js';
import {
  type EndorsedTransaction,
  isEndorserTransaction,
  parseChaincodeEffect,
  parseEndorsedTransaction,
} from '../../../network/devledger/commit/endorsed-transaction.js';
import { type ParsedEnvelope, parseEnvelope } from '../../../network/devledger/commit/envelope.js';
import type { NamespaceSet } from '../../../network/devledger/commit/read-write-sets.js';
import { compareUtf8 } from '../../../network/devledger/endorse/utf8-order.js';
import { lengthDelimitedField, varintField } from '../../../network/devledger/endorse/wire-format.js';
import { encodeHeight, type Height } from '../../../network/fabric/store/order-preserving.js';
import { varint } from '../../../network/fabric/store/varint.js';
import { configDataOf } from './config-transaction.js';
import { hashedSetsOf, hashesNamespace, type HashedSet } from './transaction-writes.js';

const { TxValidationCode } = peer;

/** One key that a block changes. */
export interface BlockWrite {
  /** As the state names it; for hashes with their collection. */
  readonly namespace: string;
  /** Of a collection of hashes. */
  readonly collection: string | undefined;
  readonly chaincode: string;
  /** Text, or hex for hashes. */
  readonly key: string;
  readonly keyBytes: Uint8Array;
  /** Undefined deletes the key. */
  readonly value: Uint8Array | undefined;
  readonly version: Height;
}

/** An endorsed transaction with all it read and wrote. */
export interface FabricEffect {
  readonly envelope: ParsedEnvelope;
  readonly transaction: EndorsedTransaction;
  readonly chaincode: string;
  readonly sets: readonly NamespaceSet[];
  readonly hashed: readonly HashedSet[];
}

/** Where a peer keeps the channel's configuration. */
export const CONFIG_NAMESPACE = '';
const CONFIG_KEY = 'CHANNEL_CONFIG_ENV_BYTES';

/** @returns undefined for what is no endorsed transaction of the form that peers accept */
export function effectOf(envelope: ParsedEnvelope): FabricEffect | undefined {
  if (!isEndorserTransaction(envelope)) return undefined;
  const transaction = parseEndorsedTransaction(envelope);
  if ('rejected' in transaction) return undefined;
  const effect = parseChaincodeEffect(envelope, transaction);
  if ('rejected' in effect) return undefined;
  return { envelope, transaction, ...effect, hashed: hashedSetsOf(transaction) };
}

/** What a block changes, going by the validation codes stored with it; of several writes of a key the last. */
export function writesOfBlock(block: BlockParts): readonly BlockWrite[] {
  const codes = validationCodes(block);
  const latest = new Map<string, BlockWrite>();
  for (const [txNumber, bytes] of block.envelopes.entries()) {
    if (codes[txNumber] !== TxValidationCode.VALID) continue;
    for (const write of writesOf(bytes, { blockNumber: block.number, txNumber }))
      latest.set(`${write.namespace}\0${write.key}`, write);
  }
  return [...latest.values()];
}

function writesOf(bytes: Uint8Array, version: Height): readonly BlockWrite[] {
  const config = configDataOf(bytes);
  if (config !== undefined) return [configWrite(config, version)];
  const envelope = parseEnvelope(bytes);
  const effect = 'rejected' in envelope ? undefined : effectOf(envelope);
  return effect === undefined ? [] : [...publicWrites(effect, version), ...hashedWrites(effect, version)];
}

/** The channel's configuration lies in the state as a value like any other. */
function configWrite(value: Uint8Array, version: Height): BlockWrite {
  const key = CONFIG_KEY;
  const namespace = CONFIG_NAMESPACE;
  return { namespace, chaincode: namespace, collection: undefined, key, keyBytes: Buffer.from(key), value, version };
}

function publicWrites({ sets }: FabricEffect, version: Height): readonly BlockWrite[] {
  return sets.flatMap(({ namespace, writes }) =>
    writes.map(({ key, value }) => {
      const keyBytes = Buffer.from(key, 'utf8');
      return { namespace, chaincode: namespace, collection: undefined, key, keyBytes, value, version };
    }),
  );
}

function hashedWrites({ hashed }: FabricEffect, version: Height): readonly BlockWrite[] {
  return hashed.flatMap((set) =>
    set.writes.map(({ keyHash, valueHash }) => ({
      namespace: hashesNamespace(set),
      chaincode: set.namespace,
      collection: set.collection,
      key: Buffer.from(keyHash).toString('hex'),
      keyBytes: keyHash,
      value: valueHash,
      version,
    })),
  );
}

/**
 * Running hash over everything that a peer concluded from a block; the channel's configuration is left out.
 *
 * @param previous - empty for block 1
 * @see Fabric core/ledger/kvledger/kv_ledger.go, addBlockCommitHash; txmgmt/txmgr/update_batch_bytes.go
 */
export function fabricCommitHash(codes: Uint8Array, writes: readonly BlockWrite[], previous: Uint8Array): Buffer {
  const digest = createHash('sha256').update(varint(codes.length)).update(codes);
  const counted = writes.filter(({ namespace }) => namespace !== CONFIG_NAMESPACE);
  let before: BlockWrite | undefined;
  for (const write of counted.toSorted(inOrderOfHash)) {
    digest.update(lengthDelimitedField(1, encodeWrite(write, before)));
    before = write;
  }
  return digest.update(previous).digest();
}

/** By chaincode, the public keys of each before its collections. */
function inOrderOfHash(left: BlockWrite, right: BlockWrite): number {
  return (
    compareUtf8(left.chaincode, right.chaincode) ||
    compareUtf8(left.collection ?? '', right.collection ?? '') ||
    Buffer.compare(left.keyBytes, right.keyBytes)
  );
}

/** Chaincode and collection are named in the first write of each only. */
function encodeWrite(write: BlockWrite, before: BlockWrite | undefined): Buffer {
  const { chaincode, collection, keyBytes, value, version } = write;
  const isNewChaincode = chaincode !== before?.chaincode;
  const namesCollection = collection !== undefined && (isNewChaincode || collection !== before?.collection);
  return Buffer.concat([
    ...(isNewChaincode ? [lengthDelimitedField(1, Buffer.from(chaincode, 'utf8'))] : []),
    ...(namesCollection ? [lengthDelimitedField(2, Buffer.from(collection, 'utf8'))] : []),
    ...(keyBytes.length === 0 ? [] : [lengthDelimitedField(3, keyBytes)]),
    ...(value === undefined ? [varintField(4, 1)] : [lengthDelimitedField(5, value)]),
    lengthDelimitedField(6, encodeHeight(version)),
  ]);
}
