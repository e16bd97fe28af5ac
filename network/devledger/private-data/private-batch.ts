import type { HashedSet, KeyWrite } from '../commit/read-write-sets.js';
import type { Expiry } from '../commit/expired-keys.js';
import { keyHash } from '../endorse/private-simulation.js';
import type { Version } from '../peer-ledger.js';
import { encodeVersion, readVersion, VERSION_BYTES } from '../store/row-keys.js';
import type { RowRange } from '../store/row-batch.js';
import type { Row, RowWrite } from '../store/state-database.js';
import {
  type CollectionName,
  indexedVersion,
  missingSetKey,
  parseSetPlace,
  privateIndexKey,
  privateIndexRange,
  privateSetKey,
  privateSetsOfBlock,
  privateStateKey,
  type SetPlace,
} from './private-rows.js';
import { parsePrivateSet, withoutKey } from './private-set.js';

/** Rows as they are in the peer's database. */
export interface RowReader {
  get(key: Buffer): Buffer | undefined;
  rows(range: RowRange): AsyncIterable<Row>;
}

/**
 * What becomes of a peer's private data with one block, written together with the block's other rows. Later steps see
 * what earlier ones of the same batch did.
 */
export class PrivateBatch {
  readonly #reader: RowReader;
  readonly #pending = new Map<string, RowWrite>();
  /** Whether a value was deleted because it was purged, or because its time was over. */
  hasPurged = false;
  hasExpired = false;

  constructor(reader: RowReader) {
    this.#reader = reader;
  }

  rows(): RowWrite[] {
    return [...this.#pending.values()];
  }

  /**
   * Private writes that were found.
   *
   * @param isCurrent - whether a key's hash still has the version of this transaction: always at its own commit
   */
  applySet(place: SetPlace, bytes: Uint8Array, isCurrent: (hashedKey: string) => boolean): void {
    const { writes, metadataKeys } = parsePrivateSet(bytes);
    const written = new Set(writes.map(({ key }) => key));
    this.#put(privateSetKey(place), bytes);
    this.#delete(missingSetKey(place));
    for (const { key } of writes) this.#put(privateIndexKey(place, keyHash(key), place), NOTHING);
    for (const write of writes) if (isCurrent(keyHash(write.key))) this.#putState(place, write);
    const alone = metadataKeys.filter((key) => !written.has(key) && isCurrent(keyHash(key)));
    for (const key of alone) {
      // Metadata alone give the hash a new version, and the value has to follow.
      const current = this.#get(privateStateKey(place, key));
      if (current !== undefined) this.#putState(place, { key, value: current.subarray(VERSION_BYTES) });
    }
  }

  /** Private writes that nobody could give. */
  noteMissing(place: SetPlace, txId: string): void {
    this.#put(missingSetKey(place), Buffer.from(txId, 'utf8'));
  }

  /** Takes every trace of the keys that a transaction purges out of what earlier ones wrote. */
  async purge(name: CollectionName, hashed: HashedSet, before: Version): Promise<void> {
    for (const { key, isPurge } of hashed.writes) {
      if (isPurge) await this.#purgeKey(name, key, before);
    }
  }

  /** Takes away what a block wrote to a collection, where nothing later wrote the same keys. */
  async expire({ chaincode: namespace, collection, writtenIn }: Expiry): Promise<void> {
    const isConcerned = ({ key }: Row) => {
      const place = parseSetPlace(key);
      return place.namespace === namespace && place.collection === collection;
    };
    const sets = await this.#collect(privateSetsOfBlock('privateSet', writtenIn));
    for (const { key, payload } of sets.filter(isConcerned)) {
      this.#delete(key);
      this.hasExpired = true;
      this.#expireSet(parseSetPlace(key), payload);
    }
    const missing = await this.#collect(privateSetsOfBlock('missingSet', writtenIn));
    for (const { key } of missing.filter(isConcerned)) this.#delete(key);
  }

  async deleteAll(range: RowRange): Promise<void> {
    for (const { key } of await this.#collect(range)) this.#delete(key);
  }

  #expireSet(place: SetPlace, bytes: Uint8Array): void {
    const { writes, metadataKeys } = parsePrivateSet(bytes);
    for (const key of [...writes.map((write) => write.key), ...metadataKeys]) {
      this.#delete(privateIndexKey(place, keyHash(key), place));
      const state = privateStateKey(place, key);
      const current = this.#get(state);
      if (current !== undefined && readVersion(current, 0).blockNumber === place.blockNumber) this.#delete(state);
    }
  }

  async #purgeKey(name: CollectionName, purgedHash: string, before: Version): Promise<void> {
    for (const { key } of await this.#collect(privateIndexRange(name, purgedHash))) {
      const version = indexedVersion(key);
      if (!isEarlier(version, before)) continue;
      this.hasPurged = true;
      this.#delete(key);
      const setKey = privateSetKey({ ...name, ...version });
      const bytes = this.#get(setKey);
      if (bytes === undefined) continue;
      const purged = parsePrivateSet(bytes).writes.find((write) => keyHash(write.key) === purgedHash);
      if (purged !== undefined) this.#delete(privateStateKey(name, purged.key));
      const rest = withoutKey(bytes, purgedHash);
      if (rest === undefined) this.#delete(setKey);
      else this.#put(setKey, rest);
    }
  }

  /** Rows of the database and of the batch. */
  async #collect(range: RowRange): Promise<Row[]> {
    const found = new Map<string, Row>();
    for await (const row of this.#reader.rows(range)) found.set(row.key.toString('latin1'), row);
    for (const [name, { key, payload }] of this.#pending) {
      if (Buffer.compare(key, range.gte) < 0 || (range.lt !== undefined && Buffer.compare(key, range.lt) >= 0))
        continue;
      if (payload === undefined) found.delete(name);
      else found.set(name, { key, payload: Buffer.from(payload) });
    }
    return [...found.values()];
  }

  #putState(place: SetPlace, { key, value }: KeyWrite): void {
    const row = privateStateKey(place, key);
    if (value === undefined) this.#delete(row);
    else this.#put(row, Buffer.concat([encodeVersion(place.blockNumber, place.txNumber), value]));
  }

  #get(key: Buffer): Buffer | undefined {
    const pending = this.#pending.get(key.toString('latin1'));
    if (pending === undefined) return this.#reader.get(key);
    return pending.payload === undefined ? undefined : Buffer.from(pending.payload);
  }

  #put(key: Buffer, payload: Uint8Array): void {
    this.#pending.set(key.toString('latin1'), { key, payload });
  }

  #delete(key: Buffer): void {
    this.#pending.set(key.toString('latin1'), { key, payload: undefined });
  }
}

const NOTHING = new Uint8Array();

function isEarlier(version: Version, other: Version): boolean {
  return (
    version.blockNumber < other.blockNumber ||
    (version.blockNumber === other.blockNumber && version.txNumber < other.txNumber)
  );
}
