import { compareUtf8 } from '../endorse/utf8-order.js';
import type { Version } from '../peer-ledger.js';
import type { StateReader } from '../store/state-reader.js';
import type { HistoryWrite, StateWrite } from '../store/state-store.js';
import { chaincodesWithMetadata, type WrittenKeys, writtenKeys } from './key-policies.js';
import type { KeyWrite, MetadataWrite, NamespaceSet } from './read-write-sets.js';
import { chaincodeOf, METADATA_USERS, metadataNamespace } from './state-namespaces.js';

/** What the valid transactions of one block write, the last writer of a key winning. */
export class UpdateBatch {
  readonly #latest = new Map<string, StateWrite>();
  readonly #history: HistoryWrite[] = [];
  readonly #usesMetadata = new Map<string, boolean>();

  /**
   * @param state - before the block
   * @see Fabric core/ledger/kvledger/txmgmt/validation/tx_ops.go, prepareTxOps
   */
  async apply(sets: readonly NamespaceSet[], version: Version, state: StateReader): Promise<void> {
    for (const set of sets) {
      for (const keys of writtenKeys(set)) await this.#applyKeys(keys, version, state);
      for (const { key } of set.writes) this.#history.push({ namespace: set.namespace, key, version });
    }
  }

  has(namespace: string, key: string): boolean {
    return this.#latest.has(compositeName(namespace, key));
  }

  /** Latest writes of a range, in UTF-8 byte order; deletions included. */
  inRange(range: {
    readonly namespace: string;
    readonly startKey: string;
    readonly endKey: string;
    readonly includeEnd: boolean;
  }): StateWrite[] {
    const { namespace, startKey, endKey, includeEnd } = range;
    const endLimit = includeEnd ? 1 : 0;
    return [...this.#latest.values()]
      .filter((write) => write.namespace === namespace && compareUtf8(write.key, startKey) >= 0)
      .filter((write) => endKey === '' || compareUtf8(write.key, endKey) < endLimit)
      .sort((left, right) => compareUtf8(left.key, right.key));
  }

  /** By namespace, then key, both in UTF-8 byte order. */
  sorted(): StateWrite[] {
    return [...this.#latest.values()].sort(
      (left, right) => compareUtf8(left.namespace, right.namespace) || compareUtf8(left.key, right.key),
    );
  }

  /** Every write in order, also those a later transaction of the block overwrote. */
  get history(): readonly HistoryWrite[] {
    return this.#history;
  }

  async #applyKeys(
    { namespace, writes, metadataWrites }: WrittenKeys,
    version: Version,
    state: StateReader,
  ): Promise<void> {
    const metadata = new Map(metadataWrites.map((write) => [write.key, write]));
    for (const write of writes) await this.#write({ namespace, ...write, version }, metadata.get(write.key), state);
    const alone = withoutWrites(metadataWrites, writes);
    for (const write of alone) await this.#writeMetadataAlone(namespace, write, version, state);
  }

  async #write(write: StateWrite, metadata: MetadataWrite | undefined, state: StateReader): Promise<void> {
    const { namespace, key, value } = write;
    this.#put({ namespace, key, value, version: write.version });
    if (write.value !== undefined) {
      if (metadata !== undefined) this.#putMetadata(write.namespace, metadata, write.version);
    } else if (await this.#hasMetadata(write.namespace, state)) {
      this.#putMetadata(write.namespace, { key: write.key, metadata: undefined }, write.version);
    }
  }

  /** Metadata of a key that is not there are forgotten; those of one that is give it a new version. */
  async #writeMetadataAlone(
    namespace: string,
    write: MetadataWrite,
    version: Version,
    state: StateReader,
  ): Promise<void> {
    const { key } = write;
    const earlier = this.#latest.get(compositeName(namespace, key));
    const value = earlier === undefined ? (await state.valuesOf([{ namespace, key }]))[0]?.value : earlier.value;
    if (value === undefined) return;
    this.#put({ namespace, key, value, version });
    this.#putMetadata(namespace, write, version);
  }

  #putMetadata(namespace: string, { key, metadata }: MetadataWrite, version: Version): void {
    this.#put({ namespace: metadataNamespace(namespace), key, value: metadata, version });
    if (metadata === undefined) return;
    const user = chaincodeOf(namespace);
    this.#usesMetadata.set(user, true);
    this.#put({ namespace: METADATA_USERS, key: user, value: USED, version });
  }

  async #hasMetadata(namespace: string, state: StateReader): Promise<boolean> {
    const user = chaincodeOf(namespace);
    const known = this.#usesMetadata.get(user);
    if (known !== undefined) return known;
    const found = (await chaincodesWithMetadata(state, [user])).has(user);
    this.#usesMetadata.set(user, found);
    return found;
  }

  #put(write: StateWrite): void {
    this.#latest.set(compositeName(write.namespace, write.key), write);
  }
}

const USED = Uint8Array.of(1);

function withoutWrites(metadataWrites: readonly MetadataWrite[], writes: readonly KeyWrite[]): MetadataWrite[] {
  if (metadataWrites.length === 0) return [];
  const written = new Set(writes.map(({ key }) => key));
  return metadataWrites.filter(({ key }) => !written.has(key));
}

function compositeName(namespace: string, key: string): string {
  return `${namespace}\u0000${key}`;
}
