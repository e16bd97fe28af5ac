import { ledger } from '@hyperledger/fabric-protos';
import type { Version } from '../peer-ledger.js';
import { compareUtf8 } from './utf8-order.js';

const { kvrwset } = ledger.rwset;

/** What one simulation read and wrote in one namespace. */
export interface NamespaceReadWrites {
  readonly reads: ReadonlyMap<string, Version | undefined>;
  /** Undefined deletes the key. */
  readonly writes: ReadonlyMap<string, Uint8Array | undefined>;
  readonly rangeQueries: readonly ledger.rwset.kvrwset.RangeQueryInfo[];
}

/**
 * Serialised rwset.TxReadWriteSet. Namespaces and keys are in UTF-8 byte order and range queries in the order they
 * were made, so that every endorser that saw the same state produces the same bytes.
 *
 * @see Fabric core/ledger/kvledger/txmgmt/rwsetutil/rwset_builder.go
 */
export function serialiseReadWriteSet(namespaces: ReadonlyMap<string, NamespaceReadWrites>): Uint8Array {
  const set = new ledger.rwset.TxReadWriteSet();
  set.setDataModel(ledger.rwset.TxReadWriteSet.DataModel.KV);
  const sets = sortedEntries(namespaces).map(([namespace, readWrites]) => {
    const namespaceSet = new ledger.rwset.NsReadWriteSet();
    namespaceSet.setNamespace(namespace);
    namespaceSet.setRwset(kvReadWriteSet(readWrites).serializeBinary());
    return namespaceSet;
  });
  set.setNsRwsetList(sets);
  return set.serializeBinary();
}

export function kvRead(key: string, version: Version | undefined): ledger.rwset.kvrwset.KVRead {
  const read = new kvrwset.KVRead();
  read.setKey(key);
  if (version !== undefined) {
    const protoVersion = new kvrwset.Version();
    protoVersion.setBlockNum(version.blockNumber);
    protoVersion.setTxNum(version.txNumber);
    read.setVersion(protoVersion);
  }
  return read;
}

function kvReadWriteSet(readWrites: NamespaceReadWrites): ledger.rwset.kvrwset.KVRWSet {
  const set = new kvrwset.KVRWSet();
  set.setReadsList(sortedEntries(readWrites.reads).map(([key, version]) => kvRead(key, version)));
  set.setRangeQueriesInfoList(withoutRepeats(readWrites.rangeQueries));
  set.setWritesList(sortedEntries(readWrites.writes).map(([key, value]) => kvWrite(key, value)));
  return set;
}

function kvWrite(key: string, value: Uint8Array | undefined): ledger.rwset.kvrwset.KVWrite {
  const write = new kvrwset.KVWrite();
  write.setKey(key);
  write.setIsDelete(value === undefined);
  if (value !== undefined) write.setValue(value);
  return write;
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
