import type { Version, VersionedValue } from '../peer-ledger.js';

export interface KeyName {
  readonly namespace: string;
  readonly key: string;
}

export interface KeyVersion {
  readonly key: string;
  readonly version: Version;
}

/** What the conflict checks of a block need of the state before it; kept by a database or in memory. */
export interface StateReader {
  /** In the order of the keys; undefined where a key is absent. */
  versions(keys: readonly KeyName[]): Promise<(Version | undefined)[]>;
  /** In the order of the keys; undefined where a key is absent. */
  valuesOf(keys: readonly KeyName[]): Promise<(VersionedValue | undefined)[]>;
  /** In UTF-8 byte order; an empty key means no bound on that side. */
  rangeVersions(namespace: string, startKey: string, endKey: string, includeEnd: boolean): AsyncIterable<KeyVersion>;
}
