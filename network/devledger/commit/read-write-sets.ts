import { ledger } from '@hyperledger/fabric-protos';
import { DEGREE_MAX, type MerkleSummary } from '../endorse/range-summary.js';
import type { Version } from '../peer-ledger.js';

const { kvrwset } = ledger.rwset;

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

export interface RangeQuery {
  readonly startKey: string;
  /** Last key seen when the iterator was not exhausted; then the range includes it. */
  readonly endKey: string;
  readonly exhausted: boolean;
  /** The rows found; or, where they were many, hashes over them. */
  readonly found: { readonly reads: readonly KeyRead[] } | { readonly merkle: MerkleSummary };
}

/** What one transaction read and wrote in one namespace. */
export interface NamespaceSet {
  readonly namespace: string;
  readonly reads: readonly KeyRead[];
  readonly rangeQueries: readonly RangeQuery[];
  readonly writes: readonly KeyWrite[];
  /** Private data or key-level policies, which this ledger has not got. */
  readonly hasUnsupportedParts: boolean;
}

/**
 * @param bytes - serialised rwset.TxReadWriteSet
 * @throws RangeError for a tree of hashes of another shape than Fabric's peers make
 */
export function parseReadWriteSet(bytes: Uint8Array): NamespaceSet[] {
  const set = ledger.rwset.TxReadWriteSet.deserializeBinary(bytes);
  return set.getNsRwsetList().map((namespaceSet) => {
    const kv = kvrwset.KVRWSet.deserializeBinary(namespaceSet.getRwset_asU8());
    return {
      namespace: namespaceSet.getNamespace(),
      reads: kv.getReadsList().map(keyRead),
      rangeQueries: kv.getRangeQueriesInfoList().map(rangeQuery),
      writes: kv.getWritesList().map(keyWrite),
      hasUnsupportedParts:
        kv.getMetadataWritesList().length > 0 || namespaceSet.getCollectionHashedRwsetList().length > 0,
    };
  });
}

function keyRead(read: ledger.rwset.kvrwset.KVRead): KeyRead {
  const version = read.getVersion();
  return {
    key: read.getKey(),
    version: version && { blockNumber: version.getBlockNum(), txNumber: version.getTxNum() },
  };
}

function keyWrite(write: ledger.rwset.kvrwset.KVWrite): KeyWrite {
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
