import { hash } from 'node:crypto';
import { hashNamespace, metadataNamespace } from '../commit/state-namespaces.js';
import type { StateSnapshot, Version, VersionedValue } from '../peer-ledger.js';
import type { PrivateKeyValue, PrivateView } from './private-view.js';
import type { MetadataEntries, SimulationRecord } from './simulation-record.js';

export interface PrivateSimulationOptions {
  readonly snapshot: StateSnapshot;
  readonly view: PrivateView;
  readonly record: SimulationRecord;
  readonly hasCollection: (namespace: string, collection: string) => boolean;
}

/** A key of a collection. */
export interface PrivateKey {
  readonly namespace: string;
  readonly collection: string;
  readonly key: string;
}

/** What a chaincode asked for cannot be had, and it may go on all the same; the peer itself is sound. */
export class RequestRefused extends Error {}

/**
 * The part of a simulation that is about private data. Every peer has the hashes; values are there only where the peer
 * is a member, and count only as long as their version is that of the hash.
 *
 * @see Fabric core/ledger/kvledger/txmgmt/txmgr/query_executor.go
 */
export class PrivateSimulation {
  readonly #options: PrivateSimulationOptions;

  constructor(options: PrivateSimulationOptions) {
    this.#options = options;
  }

  async get(place: PrivateKey): Promise<Uint8Array | undefined> {
    this.#requireCollection(place);
    const { namespace, collection, key } = place;
    const found = await this.#options.view.get(namespace, collection, key);
    const known = await this.#hash(place);
    if (!sameVersion(found?.version, known?.version)) {
      throw new RequestRefused(
        'private data matching public hash version is not available. ' +
          `Public hash version = ${versionText(known?.version)}, Private data version = ${versionText(found?.version)}`,
      );
    }
    const record = this.#options.record.collection(namespace, collection);
    record.reads.set(key, found?.version);
    record.hasPrivateReads = true;
    return found?.value;
  }

  async getHash(place: PrivateKey): Promise<Uint8Array | undefined> {
    this.#requireCollection(place);
    const known = await this.#hash(place);
    this.#options.record.collection(place.namespace, place.collection).reads.set(place.key, known?.version);
    return known?.value;
  }

  /** @returns serialised metadata; undefined when the key has none */
  async getMetadata(place: PrivateKey): Promise<Uint8Array | undefined> {
    await this.getHash(place);
    const namespace = metadataNamespace(hashNamespace(place.namespace, place.collection));
    return (await this.#options.snapshot.get(namespace, keyHash(place.key)))?.value;
  }

  put(place: PrivateKey, value: Uint8Array): void {
    this.#requireCollection(place);
    const written = { value: value.length === 0 ? undefined : value, isPurge: false };
    this.#options.record.collection(place.namespace, place.collection).writes.set(place.key, written);
  }

  purge(place: PrivateKey): void {
    this.#requireCollection(place);
    const written = { value: undefined, isPurge: true };
    this.#options.record.collection(place.namespace, place.collection).writes.set(place.key, written);
  }

  putMetadata(place: PrivateKey, entries: MetadataEntries): void {
    this.#requireCollection(place);
    this.#options.record.collection(place.namespace, place.collection).metadataWrites.set(place.key, entries);
  }

  /** Not recorded: what a range of private keys holds depends on the peer. */
  range(
    namespace: string,
    collection: string,
    bounds: { readonly startKey: string; readonly endKey: string },
  ): AsyncIterator<PrivateKeyValue> {
    this.#requireCollection({ namespace, collection });
    return this.#options.view.range(namespace, collection, bounds)[Symbol.asyncIterator]();
  }

  #requireCollection({ namespace, collection }: { namespace: string; collection: string }): void {
    if (this.#options.hasCollection(namespace, collection)) return;
    throw new RequestRefused(
      `collection [${collection}] not defined in the collection config for chaincode [${namespace}]`,
    );
  }

  async #hash({ namespace, collection, key }: PrivateKey): Promise<VersionedValue | undefined> {
    return this.#options.snapshot.get(hashNamespace(namespace, collection), keyHash(key));
  }
}

/** Under which the hash of a private value is kept. */
export function keyHash(key: string): string {
  return hash('sha256', key, 'hex');
}

function sameVersion(left: Version | undefined, right: Version | undefined): boolean {
  return left?.blockNumber === right?.blockNumber && left?.txNumber === right?.txNumber;
}

function versionText(version: Version | undefined): string {
  return version === undefined ? '<nil>' : `{BlockNum: ${version.blockNumber}, TxNum: ${version.txNumber}}`;
}
