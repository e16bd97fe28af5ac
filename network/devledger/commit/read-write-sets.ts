import { ledger } from '@hyperledger/fabric-protos';
import { DEGREE_MAX, type MerkleSummary } from '../endorse/range-summary.js';
import type { Version } from '../peer-ledger.js';
import { parseMessage } from '../wire/parse-message.js';

const { kvrwset } = ledger.rwset;
/** What is in a block is read whatever it takes: it was counted when it was submitted, or Fabric took it. */
const ANY_NUMBER = Number.POSITIVE_INFINITY;

export interface KeyRead {
  readonly key: string;
  /** Undefined when the key was absent. */
  readonly version: Version | undefined;
}

export interface KeyWrite {
  readonly key: string;
  /** Undefined deletes the key. */
  readonly value: Uint8Array | undefined;
}

export interface MetadataWrite {
  readonly key: string;
  /** Serialised kvrwset.KVMetadataWrite with the entries alone; undefined takes the metadata away. */
  readonly metadata: Uint8Array | undefined;
}

export interface RangeQuery {
  readonly startKey: string;
  /** Last key seen when the iterator was not exhausted; then the range includes it. */
  readonly endKey: string;
  readonly exhausted: boolean;
  /** The rows found; or, where they were many, hashes over them. */
  readonly found: { readonly reads: readonly KeyRead[] } | { readonly merkle: MerkleSummary };
}

/** What one transaction did to one collection: everything by its hash. Keys are lower-case hex of SHA-256. */
export interface HashedSet {
  readonly collection: string;
  readonly reads: readonly KeyRead[];
  readonly writes: readonly (KeyWrite & { readonly isPurge: boolean })[];
  readonly metadataWrites: readonly MetadataWrite[];
  /** SHA-256 of the private writes, serialised kvrwset.KVRWSet; empty when there are none. */
  readonly privateSetHash: Uint8Array;
}

/** What one transaction read and wrote in one namespace. */
export interface NamespaceSet {
  readonly namespace: string;
  readonly reads: readonly KeyRead[];
  readonly rangeQueries: readonly RangeQuery[];
  readonly writes: readonly KeyWrite[];
  readonly metadataWrites: readonly MetadataWrite[];
  readonly collections: readonly HashedSet[];
}

/**
 * @param bytes - serialised rwset.TxReadWriteSet
 * @throws RangeError for a tree of hashes of another shape than Fabric's peers make
 */
export function parseReadWriteSet(bytes: Uint8Array): NamespaceSet[] {
  const set = parseMessage(ledger.rwset.TxReadWriteSet, bytes, ANY_NUMBER);
  return set.getNsRwsetList().map((namespaceSet) => {
    const kv = parseMessage(kvrwset.KVRWSet, namespaceSet.getRwset_asU8(), ANY_NUMBER);
    return {
      namespace: namespaceSet.getNamespace(),
      reads: kv.getReadsList().map(keyRead),
      rangeQueries: kv.getRangeQueriesInfoList().map(rangeQuery),
      writes: kv.getWritesList().map(keyWrite),
      metadataWrites: kv.getMetadataWritesList().map((write) => metadataWrite(write.getKey(), write.getEntriesList())),
      collections: namespaceSet.getCollectionHashedRwsetList().map(hashedSet),
    };
  });
}

/** Metadata as they are kept: one message with the entries in order. */
export function serialiseMetadata(entries: readonly ledger.rwset.kvrwset.KVMetadataEntry[]): Uint8Array {
  const message = new kvrwset.KVMetadataWrite();
  message.setEntriesList([...entries]);
  return message.serializeBinary();
}

export function parseMetadata(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const entries = parseMessage(kvrwset.KVMetadataWrite, bytes).getEntriesList();
  return new Map(entries.map((entry) => [entry.getName(), entry.getValue_asU8()]));
}

function hashedSet(message: ledger.rwset.CollectionHashedReadWriteSet): HashedSet {
  const set = parseMessage(kvrwset.HashedRWSet, message.getHashedRwset_asU8(), ANY_NUMBER);
  return {
    collection: message.getCollectionName(),
    reads: set.getHashedReadsList().map((read) => ({ key: hex(read.getKeyHash_asU8()), version: versionOf(read) })),
    writes: set.getHashedWritesList().map((write) => ({
      key: hex(write.getKeyHash_asU8()),
      value: write.getIsDelete() || isHashOfNothing(write.getValueHash_asU8()) ? undefined : write.getValueHash_asU8(),
      isPurge: write.getIsPurge(),
    })),
    metadataWrites: set
      .getMetadataWritesList()
      .map((write) => metadataWrite(hex(write.getKeyHash_asU8()), write.getEntriesList())),
    privateSetHash: message.getPvtRwsetHash_asU8(),
  };
}

const HASH_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function isHashOfNothing(valueHash: Uint8Array): boolean {
  return valueHash.length === 0 || hex(valueHash) === HASH_OF_NOTHING;
}

function metadataWrite(key: string, entries: ledger.rwset.kvrwset.KVMetadataEntry[]): MetadataWrite {
  return { key, metadata: entries.length === 0 ? undefined : serialiseMetadata(entries) };
}

function keyRead(read: ledger.rwset.kvrwset.KVRead): KeyRead {
  return { key: read.getKey(), version: versionOf(read) };
}

function versionOf(read: { getVersion(): ledger.rwset.kvrwset.Version | undefined }): Version | undefined {
  const version = read.getVersion();
  return version && { blockNumber: version.getBlockNum(), txNumber: version.getTxNum() };
}

export function keyWrite(write: ledger.rwset.kvrwset.KVWrite): KeyWrite {
  const value = write.getValue_asU8();
  // An empty value and no value are the same on the wire: in Fabric, too, it deletes.
  return { key: write.getKey(), value: write.getIsDelete() || value.length === 0 ? undefined : value };
}

function rangeQuery(info: ledger.rwset.kvrwset.RangeQueryInfo): RangeQuery {
  return {
    startKey: info.getStartKey(),
    endKey: info.getEndKey(),
    exhausted: info.getItrExhausted(),
    found: foundRows(info),
  };
}

function foundRows(info: ledger.rwset.kvrwset.RangeQueryInfo): RangeQuery['found'] {
  const summary = info.getReadsMerkleHashes();
  if (summary === undefined) return { reads: info.getRawReads()?.getKvReadsList().map(keyRead) ?? [] };
  if (summary.getMaxDegree() !== DEGREE_MAX) throw new RangeError('A tree of hashes with another number of branches.');
  return { merkle: { level: summary.getMaxLevel(), hashes: summary.getMaxLevelHashesList_asU8() } };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
