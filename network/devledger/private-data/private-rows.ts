import type { Version } from '../peer-ledger.js';
import { encodeVersion, ROW_KINDS, readVersion, VERSION_BYTES } from '../store/row-keys.js';

/** A collection of one chaincode. */
export interface CollectionName {
  readonly namespace: string;
  readonly collection: string;
}

/** Private writes of one transaction in one collection, in a block. */
export interface SetPlace extends CollectionName {
  readonly blockNumber: number;
  readonly txNumber: number;
}

const ZERO = Buffer.of(0);

/** Namespace, collection, key; names hold no zero byte. */
export function privateStateKey(name: CollectionName, key: string): Buffer {
  return Buffer.concat([privateStatePrefix(name), Buffer.from(key, 'utf8')]);
}

/** Bounds of a range of private keys; an empty key means no bound on that side. */
export function privateStateRange(
  name: CollectionName,
  { startKey, endKey }: { readonly startKey: string; readonly endKey: string },
): { gte: Buffer; lt: Buffer } {
  const gte = privateStateKey(name, startKey);
  return { gte, lt: endKey === '' ? after(privateStatePrefix(name)) : privateStateKey(name, endKey) };
}

export function plainKeyOf(name: CollectionName, row: Buffer): string {
  return row.toString('utf8', privateStatePrefix(name).length);
}

/** Of a row that privateStateKey made. */
export function parsePrivateStateKey(row: Buffer): CollectionName & { readonly key: string } {
  const separator = row.indexOf(0, 1);
  const end = row.indexOf(0, separator + 1);
  return {
    namespace: row.toString('utf8', 1, separator),
    collection: row.toString('utf8', separator + 1, end),
    key: row.toString('utf8', end + 1),
  };
}

export function privateSetKey(place: SetPlace): Buffer {
  return Buffer.concat([kind('privateSet'), placeBytes(place), nameBytes(place)]);
}

export function missingSetKey(place: SetPlace): Buffer {
  return Buffer.concat([kind('missingSet'), placeBytes(place), nameBytes(place)]);
}

/** Of a row that privateSetKey or missingSetKey made. */
export function parseSetPlace(row: Buffer): SetPlace {
  const name = row.subarray(1 + VERSION_BYTES);
  const separator = name.indexOf(0);
  return {
    ...readVersion(row, 1),
    namespace: name.toString('utf8', 0, separator),
    collection: name.toString('utf8', separator + 1),
  };
}

/** The sets of one block. */
export function privateSetsOfBlock(
  which: 'privateSet' | 'missingSet',
  blockNumber: number,
): { gte: Buffer; lt: Buffer } {
  return {
    gte: Buffer.concat([kind(which), encodeVersion(blockNumber, 0)]),
    lt: Buffer.concat([kind(which), encodeVersion(blockNumber + 1, 0)]),
  };
}

/** @param keyHash - lower-case hex */
export function privateIndexKey(name: CollectionName, keyHash: string, version: Version): Buffer {
  return Buffer.concat([privateIndexPrefix(name, keyHash), placeBytes(version)]);
}

export function privateIndexRange(name: CollectionName, keyHash: string): { gte: Buffer; lt: Buffer } {
  const prefix = privateIndexPrefix(name, keyHash);
  return { gte: prefix, lt: Buffer.concat([prefix, Buffer.alloc(VERSION_BYTES + 1, 0xff)]) };
}

/** Which transaction a row of the index is about. */
export function indexedVersion(row: Buffer): Version {
  return readVersion(row, row.length - VERSION_BYTES);
}

/** @param setHash - SHA-256 of the set, so that endorsers that differed keep both */
export function transientSetKey(txId: string, name: CollectionName, setHash: Uint8Array): Buffer {
  return Buffer.concat([transientPrefix(txId), nameBytes(name), ZERO, setHash]);
}

export function transientSetsOf(txId: string): { gte: Buffer; lt: Buffer } {
  return { gte: transientPrefix(txId), lt: after(transientPrefix(txId)) };
}

export function parseTransientName(txId: string, row: Buffer): CollectionName {
  const name = row.subarray(transientPrefix(txId).length);
  const separator = name.indexOf(0);
  const end = name.indexOf(0, separator + 1);
  return { namespace: name.toString('utf8', 0, separator), collection: name.toString('utf8', separator + 1, end) };
}

function privateStatePrefix(name: CollectionName): Buffer {
  return Buffer.concat([kind('privateState'), nameBytes(name), ZERO]);
}

function privateIndexPrefix(name: CollectionName, keyHash: string): Buffer {
  return Buffer.concat([kind('privateIndex'), nameBytes(name), ZERO, Buffer.from(keyHash, 'hex')]);
}

function transientPrefix(txId: string): Buffer {
  return Buffer.concat([kind('transientSet'), Buffer.from(txId, 'utf8'), ZERO]);
}

function nameBytes({ namespace, collection }: CollectionName): Buffer {
  return Buffer.concat([Buffer.from(namespace, 'utf8'), ZERO, Buffer.from(collection, 'utf8')]);
}

function placeBytes({ blockNumber, txNumber }: Version): Buffer {
  return encodeVersion(blockNumber, txNumber);
}

function kind(name: keyof typeof ROW_KINDS): Buffer {
  return Buffer.of(ROW_KINDS[name]);
}

/** The first bytes after all that begin with a prefix that ends in a zero byte. */
function after(prefix: Buffer): Buffer {
  return Buffer.concat([prefix.subarray(0, -1), Buffer.of(1)]);
}
