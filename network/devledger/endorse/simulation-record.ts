import type { Version } from '../peer-ledger.js';
import type { RangeScan } from './range-scan.js';

/** Entries of a key's metadata; none takes the metadata away. */
export type MetadataEntries = ReadonlyMap<string, Uint8Array>;

/** What one simulation did to one collection, by plain key. */
export interface CollectionRecord {
  readonly reads: Map<string, Version | undefined>;
  /** Undefined deletes the key. */
  readonly writes: Map<string, { readonly value: Uint8Array | undefined; readonly isPurge: boolean }>;
  readonly metadataWrites: Map<string, MetadataEntries>;
  /** Whether values themselves were read, and not hashes or metadata alone. */
  hasPrivateReads: boolean;
}

/** What one simulation did in one namespace. */
export interface NamespaceRecord {
  readonly reads: Map<string, Version | undefined>;
  /** Undefined deletes the key. */
  readonly writes: Map<string, Uint8Array | undefined>;
  readonly metadataWrites: Map<string, MetadataEntries>;
  readonly scans: RangeScan[];
  readonly collections: Map<string, CollectionRecord>;
}

/** Everything one simulation read and would write. */
export class SimulationRecord {
  readonly #namespaces = new Map<string, NamespaceRecord>();

  namespace(name: string): NamespaceRecord {
    let record = this.#namespaces.get(name);
    if (record === undefined) {
      record = { reads: new Map(), writes: new Map(), metadataWrites: new Map(), scans: [], collections: new Map() };
      this.#namespaces.set(name, record);
    }
    return record;
  }

  collection(namespace: string, name: string): CollectionRecord {
    const { collections } = this.namespace(namespace);
    let record = collections.get(name);
    if (record === undefined) {
      record = { reads: new Map(), writes: new Map(), metadataWrites: new Map(), hasPrivateReads: false };
      collections.set(name, record);
    }
    return record;
  }

  get namespaces(): ReadonlyMap<string, NamespaceRecord> {
    return this.#namespaces;
  }
}
