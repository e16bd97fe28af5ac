import { DEFINITION_VERSION, definitionKeys, LIFECYCLE_NAMESPACE } from '../commit/chaincode-definition.js';
import { metadataNamespace } from '../commit/state-namespaces.js';
import type { StateSnapshot, Version } from '../peer-ledger.js';
import { type PrivateKey, PrivateSimulation, RequestRefused } from './private-simulation.js';
import { NO_PRIVATE_DATA, type PrivateView } from './private-view.js';
import { RangeScan } from './range-scan.js';
import { type PrivateSet, privateSetsOf, serialiseReadWriteSet } from './read-write-set.js';
import { type MetadataEntries, SimulationRecord } from './simulation-record.js';

/** A key, public when the collection is empty. */
export type StateKey = PrivateKey;

/**
 * What a transaction may write while it runs, however often it writes the same key: four times of what the orderer takes,
 * as private values do not go there. Fabric's peers know no such bound but their memory.
 */
export const WRITTEN_MAX_BYTES = 64 * 1024 * 1024;
/** What one write takes in memory beside key and value. */
const WRITE_OVERHEAD_BYTES = 64;

export interface SimulatorOptions {
  readonly privateView?: PrivateView;
  readonly hasCollection?: (namespace: string, collection: string) => boolean;
  /** `DEFINITION_VERSION` where left out. */
  readonly definitionVersionOf?: (chaincode: string) => Version;
}

/**
 * Runs one proposal against one state snapshot and records what it reads and would write. Reads return committed
 * state only: a transaction does not see its own writes, as in Fabric.
 *
 * Not safe for several transactions; one transaction sends its requests one after the other.
 */
export class Simulator {
  readonly #snapshot: StateSnapshot;
  readonly #txId: string;
  readonly #record = new SimulationRecord();
  readonly #private: PrivateSimulation;
  readonly #definitionVersionOf: (chaincode: string) => Version;
  #wrote = false;
  #writtenBytes = 0;
  #paged = false;
  #queriedPrivate = false;
  #readFailure: Error | undefined;

  constructor(snapshot: StateSnapshot, txId: string, options: SimulatorOptions = {}) {
    this.#snapshot = snapshot;
    this.#txId = txId;
    this.#definitionVersionOf = options.definitionVersionOf ?? (() => DEFINITION_VERSION);
    this.#private = new PrivateSimulation({
      snapshot,
      view: options.privateView ?? NO_PRIVATE_DATA,
      record: this.#record,
      hasCollection: options.hasCollection ?? (() => false),
    });
  }

  /**
   * First read that the store could not serve. A contract may catch the error it gets for it and answer all the same;
   * such an answer must never be endorsed.
   */
  readFailure(): Error | undefined {
    return this.#readFailure;
  }

  /** Number of blocks that the transaction sees. */
  get height(): number {
    return this.#snapshot.height;
  }

  /** Everything so far. */
  get record(): SimulationRecord {
    return this.#record;
  }

  /** Records that the transaction rests on a value that the peer itself has read for it. */
  recordRead(namespace: string, key: string, version: Version): void {
    this.#record.namespace(namespace).reads.set(key, version);
  }

  /** Records that the transaction rests on what the chaincode's definition says of its collections. */
  recordDefinition(chaincode: string): void {
    const version = this.#definitionVersionOf(chaincode);
    for (const key of definitionKeys(chaincode)) this.recordRead(LIFECYCLE_NAMESPACE, key, version);
  }

  async getState(namespace: string, key: string): Promise<Uint8Array | undefined> {
    const found = await this.#guarded(this.#snapshot.get(namespace, key));
    this.#record.namespace(namespace).reads.set(key, found?.version);
    return found?.value;
  }

  /** @throws Error also where the peer has not got the value that the hash stands for */
  getPrivateData(place: PrivateKey): Promise<Uint8Array | undefined> {
    return this.#guarded(this.#private.get(place));
  }

  getPrivateDataHash(place: PrivateKey): Promise<Uint8Array | undefined> {
    return this.#guarded(this.#private.getHash(place));
  }

  /** @returns serialised kvrwset.KVMetadataWrite with the entries alone; undefined when the key has none */
  async getMetadata(place: StateKey): Promise<Uint8Array | undefined> {
    if (place.collection !== '') return this.#guarded(this.#private.getMetadata(place));
    await this.getState(place.namespace, place.key);
    return (await this.#guarded(this.#snapshot.get(metadataNamespace(place.namespace), place.key)))?.value;
  }

  /** An empty value deletes the key, and an empty key is one like others: as in Fabric on LevelDB. */
  putState(namespace: string, key: string, value: Uint8Array): void {
    this.#checkWrite(key, value);
    this.#record.namespace(namespace).writes.set(key, value.length === 0 ? undefined : value);
  }

  putPrivateData(place: PrivateKey, value: Uint8Array): void {
    this.#checkWrite(place.key, value);
    this.#private.put(place, value);
  }

  purgePrivateData(place: PrivateKey): void {
    this.#checkWrite(place.key);
    this.#private.purge(place);
  }

  putMetadata(place: StateKey, entries: MetadataEntries): void {
    this.#checkWrite(place.key, ...entries.values());
    if (place.collection === '') this.#record.namespace(place.namespace).metadataWrites.set(place.key, entries);
    else this.#private.putMetadata(place, entries);
  }

  /** @param paged - page by page for a client; allowed only in a transaction that writes nothing */
  range(namespace: string, bounds: { startKey: string; endKey: string; paged: boolean }): Scan {
    if (bounds.paged) {
      this.#refuseAfterWrites('Paginated queries are supported only in a read-only transaction');
      this.#paged = true;
    }
    const scan = new RangeScan(this.#snapshot, { namespace, ...bounds });
    this.#record.namespace(namespace).scans.push(scan);
    return {
      next: () => this.#guarded(scan.next()),
      bookmark: () => this.#guarded(scan.bookmark()),
      close: () => scan.close(),
    };
  }

  /** Allowed only in a transaction that writes nothing: peers may differ in what they find. */
  privateRange(namespace: string, collection: string, bounds: { startKey: string; endKey: string }): Scan {
    this.#refuseAfterWrites('Queries on pvt data is supported only in a read-only transaction');
    this.#queriedPrivate = true;
    const rows = this.#private.range(namespace, collection, bounds);
    return {
      next: async () => {
        const row = await this.#guarded(rows.next());
        return row.done === true ? undefined : row.value;
      },
      bookmark: async () => '',
      close: async () => {
        await rows.return?.();
      },
    };
  }

  /** Serialised rwset.TxReadWriteSet of everything so far. */
  results(): Uint8Array {
    return serialiseReadWriteSet(this.#record.namespaces);
  }

  /** What members of the collections get, and nobody else. */
  privateSets(): PrivateSet[] {
    return privateSetsOf(this.#record.namespaces);
  }

  #checkWrite(key: string, ...values: readonly Uint8Array[]): void {
    if (this.#queriedPrivate) {
      throw this.#unsupported('Transaction has already performed queries on pvt data. Writes are not allowed');
    }
    if (this.#paged) {
      throw this.#unsupported('Transaction has already performed a paginated query. Writes are not allowed');
    }
    this.#wrote = true;
    this.#writtenBytes += values.reduce((total, value) => total + value.length, WRITE_OVERHEAD_BYTES + key.length);
    if (this.#writtenBytes > WRITTEN_MAX_BYTES) {
      throw new Error(`txid [${this.#txId}]: a transaction may write ${WRITTEN_MAX_BYTES} bytes: write less in each`);
    }
  }

  #refuseAfterWrites(reason: string): void {
    if (this.#wrote) throw this.#unsupported(reason);
  }

  /** Fabric's own spelling. */
  #unsupported(reason: string): Error {
    return new Error(`txid [${this.#txId}]: unsuppored transaction. ${reason}`);
  }

  async #guarded<Result>(read: Promise<Result>): Promise<Result> {
    try {
      return await read;
    } catch (error) {
      if (error instanceof RequestRefused) throw error;
      this.#readFailure ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }
}

/** Rows of a range query, handed out one by one. */
export interface Scan {
  next(): Promise<{ readonly key: string; readonly value: Uint8Array } | undefined>;
  /** Where the next page starts; empty when there is none. */
  bookmark(): Promise<string>;
  close(): Promise<void>;
}
