import type { VersionedValue } from '../peer-ledger.js';

export interface PrivateKeyValue extends VersionedValue {
  readonly key: string;
}

/** The private data a peer has of one collection at one height; nothing, where it is no member. */
export interface PrivateView {
  /** @returns undefined when the peer has no such value */
  get(namespace: string, collection: string, key: string): Promise<VersionedValue | undefined>;
  /** Keys in UTF-8 byte order, start inclusive, end exclusive; empty strings mean no bound. */
  range(
    namespace: string,
    collection: string,
    bounds: { readonly startKey: string; readonly endKey: string },
  ): AsyncIterable<PrivateKeyValue>;
}

/** Of a peer that keeps no private data at all. */
export const NO_PRIVATE_DATA: PrivateView = {
  get: async () => undefined,
  async *range() {},
};
