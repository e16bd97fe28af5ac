import { hash } from 'node:crypto';
import { ledger } from '@hyperledger/fabric-protos';
import { type HashedSet, type KeyWrite, keyWrite } from '../commit/read-write-sets.js';
import { keyHash } from '../endorse/private-simulation.js';
import { parseMessage } from '../wire/parse-message.js';

const { KVRWSet } = ledger.rwset.kvrwset;

/** Private writes in plain words. */
export interface ParsedPrivateSet {
  readonly writes: readonly KeyWrite[];
  /** Keys whose metadata were written; the metadata themselves are public, under the hash of the key. */
  readonly metadataKeys: readonly string[];
}

/** @param bytes - serialised kvrwset.KVRWSet */
export function parsePrivateSet(bytes: Uint8Array): ParsedPrivateSet {
  const set = parseMessage(KVRWSet, bytes);
  return {
    writes: set.getWritesList().map(keyWrite),
    metadataKeys: set.getMetadataWritesList().map((write) => write.getKey()),
  };
}

export function setHashOf(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/**
 * Whether private writes are those that a transaction stands for: all of them, by the hash of the whole; or, of a set
 * from which keys were purged since, each that is left by the hashes of key and value.
 */
export function fitsHashes(bytes: Uint8Array, hashed: HashedSet): boolean {
  if (setHashOf(bytes).equals(hashed.privateSetHash)) return true;
  const expected = new Map(hashed.writes.map(({ key, value }) => [key, value]));
  try {
    const { writes } = parsePrivateSet(bytes);
    return writes.length > 0 && writes.every((write) => isOneOf(write, expected));
  } catch {
    // Bytes that are no set of writes fit nothing.
    return false;
  }
}

/** The same set without one key; undefined when nothing is left. */
export function withoutKey(bytes: Uint8Array, purgedHash: string): Uint8Array | undefined {
  const set = parseMessage(KVRWSet, bytes);
  set.setWritesList(set.getWritesList().filter((write) => keyHash(write.getKey()) !== purgedHash));
  set.setMetadataWritesList(set.getMetadataWritesList().filter((write) => keyHash(write.getKey()) !== purgedHash));
  const isEmpty = set.getWritesList().length === 0 && set.getMetadataWritesList().length === 0;
  return isEmpty ? undefined : set.serializeBinary();
}

function isOneOf({ key, value }: KeyWrite, expected: ReadonlyMap<string, Uint8Array | undefined>): boolean {
  const hashed = keyHash(key);
  if (!expected.has(hashed)) return false;
  const valueHash = expected.get(hashed);
  if (value === undefined || valueHash === undefined) return value === valueHash;
  return hash('sha256', value, 'buffer').equals(valueHash);
}
