import { hash } from 'node:crypto';
import { compareUtf8 } from '../endorse/utf8-order.js';
import type { ReadBlock } from '../commit/expired-keys.js';
import { writtenValue } from '../commit/written-value.js';
import type { Version, VersionedValue } from '../peer-ledger.js';
import type { KeyName, KeyVersion, StateReader } from './state-reader.js';
import type { StateWrite } from './state-store.js';

export interface ReplayedValue extends KeyName {
  readonly version: Version;
  readonly valueDigest: string;
  /** Where the value itself was written; metadata written alone give a key a new version. */
  readonly writtenAt: Version;
}

/**
 * World state as the blocks have it, made again from them: versions and digests of values, not the values, so that it
 * fits into memory.
 */
export class ReplayedState implements StateReader {
  readonly #values = new Map<string, ReplayedValue>();
  /** Keys in order, kept only for namespaces that a range query has asked for. */
  readonly #sortedKeys = new Map<string, string[]>();
  readonly #readBlock: ReadBlock;

  /** @param readBlock - where the few values that are asked for are found again */
  constructor(readBlock: ReadBlock = async () => undefined) {
    this.#readBlock = readBlock;
  }

  apply(writes: readonly StateWrite[]): void {
    for (const { namespace, key, value, version } of writes) {
      const name = nameOf(namespace, key);
      const earlier = this.#values.get(name);
      const existed = earlier !== undefined;
      if (value === undefined) this.#values.delete(name);
      else {
        const valueDigest = digestOf(value);
        const writtenAt = earlier?.valueDigest === valueDigest ? earlier.writtenAt : version;
        this.#values.set(name, { namespace, key, version, valueDigest, writtenAt });
      }
      if (existed !== (value !== undefined)) this.#resort(namespace, key, existed);
    }
  }

  get(namespace: string, key: string): ReplayedValue | undefined {
    return this.#values.get(nameOf(namespace, key));
  }

  values(): IterableIterator<ReplayedValue> {
    return this.#values.values();
  }

  get size(): number {
    return this.#values.size;
  }

  async versions(keys: readonly KeyName[]): Promise<(Version | undefined)[]> {
    return keys.map(({ namespace, key }) => this.get(namespace, key)?.version);
  }

  /** Reads blocks; what cannot be found in them again counts as absent. */
  async valuesOf(keys: readonly KeyName[]): Promise<(VersionedValue | undefined)[]> {
    return Promise.all(keys.map(({ namespace, key }) => this.#valueOf(this.get(namespace, key))));
  }

  async *rangeVersions(
    namespace: string,
    startKey: string,
    endKey: string,
    includeEnd: boolean,
  ): AsyncGenerator<KeyVersion> {
    const keys = this.#sorted(namespace);
    for (let index = lowerBound(keys, startKey); index < keys.length; index += 1) {
      const key = keys[index] ?? '';
      if (endKey !== '' && compareUtf8(key, endKey) >= (includeEnd ? 1 : 0)) return;
      const value = this.get(namespace, key);
      if (value !== undefined) yield { key, version: value.version };
    }
  }

  async #valueOf(row: ReplayedValue | undefined): Promise<VersionedValue | undefined> {
    const block = row && (await this.#readBlock(row.writtenAt.blockNumber));
    const value = block && writtenValue(block, row.writtenAt.txNumber, row);
    return value && { value, version: row.version };
  }

  #sorted(namespace: string): string[] {
    const known = this.#sortedKeys.get(namespace);
    if (known !== undefined) return known;
    const keys = [...this.#values.values()].filter((value) => value.namespace === namespace).map(({ key }) => key);
    keys.sort(compareUtf8);
    this.#sortedKeys.set(namespace, keys);
    return keys;
  }

  #resort(namespace: string, key: string, removed: boolean): void {
    const keys = this.#sortedKeys.get(namespace);
    if (keys === undefined) return;
    const at = lowerBound(keys, key);
    if (removed) keys.splice(at, 1);
    else keys.splice(at, 0, key);
  }
}

export function digestOf(value: Uint8Array): string {
  return hash('sha256', value, 'base64');
}

/** Index of the first key that is not below the given one. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareUtf8(keys[middle] ?? '', key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nameOf(namespace: string, key: string): string {
  return `${namespace}\u0000${key}`;
}
