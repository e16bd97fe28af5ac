import { hash } from 'node:crypto';
import { ledger } from '@hyperledger/fabric-protos';
import type { Version } from '../peer-ledger.js';
import type { CollectionRecord, MetadataEntries, NamespaceRecord } from './simulation-record.js';
import { compareUtf8 } from './utf8-order.js';

const { kvrwset } = ledger.rwset;

/** Private writes of one transaction in one collection: what members get, and what its hash in the block stands for. */
export interface PrivateSet {
  readonly namespace: string;
  readonly collection: string;
  /** Serialised kvrwset.KVRWSet: writes, and the keys whose metadata are written. */
  readonly bytes: Uint8Array;
}

/**
 * Serialised rwset.TxReadWriteSet. Namespaces and keys are in UTF-8 byte order and range queries in the order they
 * were made, so that every endorser that saw the same state produces the same bytes.
 *
 * @see Fabric core/ledger/kvledger/txmgmt/rwsetutil/rwset_builder.go
 */
export function serialiseReadWriteSet(namespaces: ReadonlyMap<string, NamespaceRecord>): Uint8Array {
  const set = new ledger.rwset.TxReadWriteSet();
  set.setDataModel(ledger.rwset.TxReadWriteSet.DataModel.KV);
  const sets = sortedEntries(namespaces).map(([namespace, record]) => {
    const namespaceSet = new ledger.rwset.NsReadWriteSet();
    namespaceSet.setNamespace(namespace);
    namespaceSet.setRwset(kvReadWriteSet(record).serializeBinary());
    namespaceSet.setCollectionHashedRwsetList(
      sortedEntries(record.collections).map(([name, collection]) => hashedSet(name, collection)),
    );
    return namespaceSet;
  });
  set.setNsRwsetList(sets);
  return set.serializeBinary();
}

/** The private writes of a simulation, one set for each collection written to. */
export function privateSetsOf(namespaces: ReadonlyMap<string, NamespaceRecord>): PrivateSet[] {
  return sortedEntries(namespaces).flatMap(([namespace, { collections }]) =>
    sortedEntries(collections).flatMap(([collection, record]) => {
      const bytes = privateSetBytes(record);
      return bytes === undefined ? [] : [{ namespace, collection, bytes }];
    }),
  );
}

export function kvRead(key: string, version: Version | undefined): ledger.rwset.kvrwset.KVRead {
  const read = new kvrwset.KVRead();
  read.setKey(key);
  if (version !== undefined) read.setVersion(versionMessage(version));
  return read;
}

function kvReadWriteSet(record: NamespaceRecord): ledger.rwset.kvrwset.KVRWSet {
  const set = new kvrwset.KVRWSet();
  set.setReadsList(sortedEntries(record.reads).map(([key, version]) => kvRead(key, version)));
  set.setRangeQueriesInfoList(withoutRepeats(record.scans.map((scan) => scan.rangeQueryInfo())));
  set.setWritesList(sortedEntries(record.writes).map(([key, value]) => kvWrite(key, value)));
  set.setMetadataWritesList(
    sortedEntries(record.metadataWrites).map(([key, entries]) => {
      const write = new kvrwset.KVMetadataWrite();
      write.setKey(key);
      write.setEntriesList(metadataEntries(entries));
      return write;
    }),
  );
  return set;
}

/** Everything by hashes; in the order of the plain keys, as Fabric has it. */
function hashedSet(name: string, record: CollectionRecord): ledger.rwset.CollectionHashedReadWriteSet {
  const set = new kvrwset.HashedRWSet();
  set.setHashedReadsList(
    sortedEntries(record.reads).map(([key, version]) => {
      const read = new kvrwset.KVReadHash();
      read.setKeyHash(sha256(key));
      if (version !== undefined) read.setVersion(versionMessage(version));
      return read;
    }),
  );
  set.setHashedWritesList(
    sortedEntries(record.writes).map(([key, { value, isPurge }]) => {
      const write = new kvrwset.KVWriteHash();
      write.setKeyHash(sha256(key));
      write.setIsDelete(value === undefined);
      if (value !== undefined) write.setValueHash(sha256(value));
      write.setIsPurge(isPurge);
      return write;
    }),
  );
  set.setMetadataWritesList(
    sortedEntries(record.metadataWrites).map(([key, entries]) => {
      const write = new kvrwset.KVMetadataWriteHash();
      write.setKeyHash(sha256(key));
      write.setEntriesList(metadataEntries(entries));
      return write;
    }),
  );
  const message = new ledger.rwset.CollectionHashedReadWriteSet();
  message.setCollectionName(name);
  message.setHashedRwset(set.serializeBinary());
  const bytes = privateSetBytes(record);
  if (bytes !== undefined) message.setPvtRwsetHash(sha256(bytes));
  return message;
}

/** @returns undefined when nothing is written */
function privateSetBytes(record: CollectionRecord): Uint8Array | undefined {
  if (record.writes.size === 0 && record.metadataWrites.size === 0) return undefined;
  const set = new kvrwset.KVRWSet();
  set.setWritesList(sortedEntries(record.writes).map(([key, { value }]) => kvWrite(key, value)));
  set.setMetadataWritesList(
    sortedEntries(record.metadataWrites).map(([key]) => {
      const write = new kvrwset.KVMetadataWrite();
      write.setKey(key);
      return write;
    }),
  );
  return set.serializeBinary();
}

function kvWrite(key: string, value: Uint8Array | undefined): ledger.rwset.kvrwset.KVWrite {
  const write = new kvrwset.KVWrite();
  write.setKey(key);
  write.setIsDelete(value === undefined);
  if (value !== undefined) write.setValue(value);
  return write;
}

function metadataEntries(entries: MetadataEntries): ledger.rwset.kvrwset.KVMetadataEntry[] {
  return sortedEntries(entries).map(([name, value]) => {
    const entry = new kvrwset.KVMetadataEntry();
    entry.setName(name);
    entry.setValue(value);
    return entry;
  });
}

function versionMessage(version: Version): ledger.rwset.kvrwset.Version {
  const message = new kvrwset.Version();
  message.setBlockNum(version.blockNumber);
  message.setTxNum(version.txNumber);
  return message;
}

/** The same range scanned twice to the same point is recorded once. */
function withoutRepeats(
  queries: readonly ledger.rwset.kvrwset.RangeQueryInfo[],
): ledger.rwset.kvrwset.RangeQueryInfo[] {
  const seen = new Map<string, ledger.rwset.kvrwset.RangeQueryInfo>();
  for (const query of queries) {
    const id = JSON.stringify([query.getStartKey(), query.getEndKey(), query.getItrExhausted()]);
    if (!seen.has(id)) seen.set(id, query);
  }
  return [...seen.values()];
}

function sortedEntries<Value>(map: ReadonlyMap<string, Value>): [string, Value][] {
  return [...map].sort((left, right) => compareUtf8(left[0], right[0]));
}

function sha256(data: string | Uint8Array): Buffer {
  return hash('sha256', data, 'buffer');
}
