import type { KeyValue, StateSnapshot, Version, VersionedValue } from '../peer-ledger.js';
import type { PrivateView } from '../endorse/private-view.js';
import { privateViewOf } from '../private-data/private-view-of.js';
import { StoreError } from './ledger-errors.js';
import { parseStateKey, readVersion, stateKey, stateRange, VERSION_BYTES } from './row-keys.js';
import type { DatabaseSnapshot, StateDatabase } from './state-database.js';
import type { KeyName, KeyVersion, StateReader } from './state-reader.js';

/** A database snapshot shared by all who read at one height; closed when the last of them is done. */
export class SnapshotLease {
  readonly snapshot: DatabaseSnapshot;
  readonly height: number;
  #holders = 1;

  constructor(snapshot: DatabaseSnapshot, height: number) {
    this.snapshot = snapshot;
    this.height = height;
  }

  hold(): void {
    this.#holders += 1;
  }

  /** Given up by one holder; the store itself is the first. */
  retire(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.snapshot.close();
  }
}

export class LeasedSnapshot implements StateSnapshot, StateReader {
  readonly height: number;
  readonly #database: StateDatabase;
  readonly #lease: SnapshotLease;
  readonly #peer: string;
  #open = true;

  constructor(database: StateDatabase, lease: SnapshotLease, peer: string) {
    lease.hold();
    this.height = lease.height;
    this.#database = database;
    this.#lease = lease;
    this.#peer = peer;
  }

  get privateView(): PrivateView {
    return privateViewOf(this.#database, this.#snapshot());
  }

  async get(namespace: string, key: string): Promise<VersionedValue | undefined> {
    const payload = this.#database.get(stateKey(namespace, key), this.#snapshot());
    if (payload === undefined) return undefined;
    return { value: payload.subarray(VERSION_BYTES), version: readVersion(payload, 0) };
  }

  async *range(namespace: string, startKey: string, endKey: string): AsyncGenerator<KeyValue> {
    yield* this.#rows(namespace, startKey, endKey, false);
  }

  async versions(keys: readonly KeyName[]): Promise<(Version | undefined)[]> {
    const payloads = await this.#database.getMany(
      keys.map(({ namespace, key }) => stateKey(namespace, key)),
      this.#snapshot(),
    );
    return payloads.map((payload) => (payload === undefined ? undefined : readVersion(payload, 0)));
  }

  async valuesOf(keys: readonly KeyName[]): Promise<(VersionedValue | undefined)[]> {
    return Promise.all(keys.map(({ namespace, key }) => this.get(namespace, key)));
  }

  async *rangeVersions(
    namespace: string,
    startKey: string,
    endKey: string,
    includeEnd: boolean,
  ): AsyncGenerator<KeyVersion> {
    yield* this.#rows(namespace, startKey, endKey, includeEnd);
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#lease.retire();
  }

  async *#rows(namespace: string, startKey: string, endKey: string, includeEnd: boolean): AsyncGenerator<KeyValue> {
    const range = stateRange(namespace, startKey, endKey, includeEnd);
    for await (const { key, payload } of this.#database.rows(range, { snapshot: this.#snapshot() })) {
      yield {
        key: parseStateKey(key).key,
        value: payload.subarray(VERSION_BYTES),
        version: readVersion(payload, 0),
      };
    }
  }

  #snapshot(): DatabaseSnapshot {
    if (!this.#open) throw new StoreError(`A snapshot of peer ${this.#peer} was read after it was closed.`);
    return this.#lease.snapshot;
  }
}
