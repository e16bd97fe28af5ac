import type { ChannelRules } from '../commit/channel-rules.js';
import { expiriesAt } from '../commit/expired-keys.js';
import type { HashedSet, NamespaceSet } from '../commit/read-write-sets.js';
import { hashNamespace } from '../commit/state-namespaces.js';
import type { PrivateSet } from '../endorse/read-write-set.js';
import { type ErasureDue, erasureRow } from '../store/erasure-due.js';
import { kindRange, readVersion, stateKey } from '../store/row-keys.js';
import type { RowWrite } from '../store/state-database.js';
import type { StateStore } from '../store/state-store.js';
import { PrivateBatch } from './private-batch.js';
import { parseSetPlace, privateSetKey, privateSetsOfBlock, type SetPlace } from './private-rows.js';
import { fitsHashes } from './private-set.js';
import { SalvagedSets } from './salvaged-sets.js';
import { TransientSets } from './transient-sets.js';

/** Private writes that a transaction in a block stands for. */
export interface SetRequest extends SetPlace {
  readonly txId: string;
  readonly hashed: HashedSet;
}

export interface StoredSet extends SetPlace {
  /** Serialised kvrwset.KVRWSet. */
  readonly bytes: Uint8Array;
}

/** One peer's private data: what it was given before a block, what it has of each block, what it still misses. */
export interface PrivateDataKeeper {
  readonly mspId: string;
  isMember(chaincode: string, collection: string): boolean;
  /** Durable on return, until the transaction is in a block or long forgotten. */
  storeTransient(txId: string, sets: readonly PrivateSet[]): Promise<void>;
  /** For others that miss it. */
  find(request: SetRequest): Promise<Uint8Array | undefined>;
  setsOf(blockNumber: number): Promise<StoredSet[]>;
  missing(): Promise<SetPlace[]>;
  /** Whom to ask for what the peer was not given. */
  connect(others: readonly PrivateDataKeeper[]): void;
  /**
   * Asks the others again for what is missing; safe to call at any time.
   *
   * @returns how many sets were found
   */
  reconcile(): Promise<number>;
  /** Whether bytes of purged or ended private data are still in files and about to be taken out. */
  isErasing(): boolean;
}

/** A transaction of a block, as far as private data is concerned. */
export interface JudgedTransaction {
  readonly txId: string;
  /** Empty unless the transaction is valid. */
  readonly sets: readonly NamespaceSet[];
}

export interface PrivateKeeperOptions {
  readonly mspId: string;
  /** Those that count for a block, or now. */
  readonly rulesAt: (blockNumber?: number) => ChannelRules;
}

/** Blocks for which bytes of private data that ended may lie in files; Fabric's pvtdataStore.purgeInterval. */
const EXPIRED_KEPT_BLOCKS = 100;

/**
 * The part of a peer's ledger that only members of collections have. It is kept in the peer's state, which may be made
 * anew: so each call names the state that it is about.
 */
export class PrivateKeeper {
  readonly mspId: string;
  readonly #rulesAt: PrivateKeeperOptions['rulesAt'];
  readonly #transient = new TransientSets();
  #salvaged: SalvagedSets | undefined;
  #others: readonly PrivateDataKeeper[] = [];

  constructor({ mspId, rulesAt }: PrivateKeeperOptions) {
    this.mspId = mspId;
    this.#rulesAt = rulesAt;
  }

  /**
   * Brings a state up to the blocks.
   *
   * @param apply - applies the blocks that the state has not seen
   * @param earlier - folder of the state it takes the place of: blocks hold no private data, so what can still be read
   * of it there, and fits what the blocks say, is taken over; what belongs to blocks from `height` on, which the peer
   * has lost, is kept until they come again
   */
  async bringUp(
    store: StateStore,
    apply: () => Promise<void>,
    earlier?: { readonly state: string; readonly height: number },
  ): Promise<void> {
    this.#salvaged = earlier === undefined ? undefined : await SalvagedSets.open(earlier.state, this.mspId);
    try {
      const rows = (await this.#salvaged?.transientRows()) ?? [];
      const coming = (await this.#salvaged?.rowsToComeAgain(earlier?.height ?? 0)) ?? [];
      if (rows.length + coming.length > 0) await store.putRows([...rows, ...coming]);
      await this.#transient.load(store);
      await apply();
    } finally {
      await this.#salvaged?.close();
      this.#salvaged = undefined;
    }
  }

  connect(others: readonly PrivateDataKeeper[]): void {
    this.#others = others;
  }

  isMember(chaincode: string, collection: string): boolean {
    const rules = this.#rulesAt().collection(chaincode, collection);
    return rules?.isMember({ mspId: this.mspId, ou: 'peer' }) === true;
  }

  storeTransient(store: StateStore, txId: string, sets: readonly PrivateSet[]): Promise<void> {
    return this.#transient.put(store, txId, sets);
  }

  async find(store: StateStore, request: SetRequest): Promise<Uint8Array | undefined> {
    for (const bytes of await this.#transient.of(store, request.txId, request)) {
      if (fitsHashes(bytes, request.hashed)) return bytes;
    }
    const committed = store.database.get(privateSetKey(request));
    return committed !== undefined && fitsHashes(committed, request.hashed) ? committed : undefined;
  }

  async setsOf(store: StateStore, blockNumber: number): Promise<StoredSet[]> {
    const sets: StoredSet[] = [];
    for await (const { key, payload } of store.database.rows(privateSetsOfBlock('privateSet', blockNumber))) {
      sets.push({ ...parseSetPlace(key), bytes: payload });
    }
    return sets;
  }

  async missing(store: StateStore): Promise<SetPlace[]> {
    const places: SetPlace[] = [];
    for await (const { key } of store.database.rows(kindRange('missingSet'))) places.push(parseSetPlace(key));
    return places;
  }

  /** Rows that go into the database together with those of the block itself; then `applied` is to be called. */
  async rowsOfBlock(
    store: StateStore,
    blockNumber: number,
    transactions: readonly JudgedTransaction[],
  ): Promise<RowWrite[]> {
    const batch = new PrivateBatch(store.database);
    for (const [txNumber, { txId, sets }] of transactions.entries()) {
      for (const request of requestsOf({ blockNumber, txNumber }, txId, sets)) {
        await this.#commitSet(store, request, batch);
      }
    }
    for (const expiry of expiriesAt(blockNumber, this.#rulesAt(blockNumber))) await batch.expire(expiry);
    const over = this.#transient.over(idsOf(transactions), blockNumber);
    for (const range of over) await batch.deleteAll(range);
    return [...batch.rows(), ...erasureOf(batch, blockNumber, store.erasure)];
  }

  /** The rows of this block are in the database. A block that is tried again is to find what it was given. */
  applied(blockNumber: number, transactions: readonly JudgedTransaction[]): void {
    this.#transient.forget(idsOf(transactions), blockNumber);
  }

  /**
   * @param hashedOf - what a block says of a missing set; undefined where the block no longer tells
   * @returns rows of what could be found by now
   */
  async rowsOfMissing(
    store: StateStore,
    hashedOf: (place: SetPlace) => Promise<SetRequest | undefined>,
  ): Promise<RowWrite[]> {
    const batch = new PrivateBatch(store.database);
    for (const place of await this.missing(store)) {
      const request = await hashedOf(place);
      const bytes = request && (await this.#search(store, request));
      if (request !== undefined && bytes !== undefined) batch.applySet(place, bytes, currentAt(store, place));
    }
    return batch.rows();
  }

  async #commitSet(store: StateStore, request: SetRequest, batch: PrivateBatch): Promise<void> {
    await batch.purge(request, request.hashed, request);
    if (!this.isMember(request.namespace, request.collection)) return;
    const bytes = await this.#search(store, request);
    if (bytes === undefined) batch.noteMissing(request, request.txId);
    else batch.applySet(request, bytes, () => true);
  }

  /** What was given before the block, or was had before the state was made anew; what another member has. */
  async #search(store: StateStore, request: SetRequest): Promise<Uint8Array | undefined> {
    const own = (await this.find(store, request)) ?? this.#salvaged?.find(request);
    if (own !== undefined) return own;
    for (const other of this.#others) {
      const found = await foundBy(other, request);
      // Whoever gives it, only what fits the block's hashes counts.
      if (found !== undefined && fitsHashes(found, request.hashed)) return found;
    }
    return undefined;
  }
}

/** A purge is wanted now; what ends by itself is collected for some blocks. */
function erasureOf(batch: PrivateBatch, blockNumber: number, waiting: ErasureDue | undefined): RowWrite[] {
  if (!batch.hasPurged && !batch.hasExpired) return [];
  const dueBlock = batch.hasPurged ? blockNumber : blockNumber + EXPIRED_KEPT_BLOCKS;
  return [erasureRow({ dueBlock: Math.min(dueBlock, waiting?.dueBlock ?? dueBlock), askedBy: blockNumber })];
}

function idsOf(transactions: readonly JudgedTransaction[]): string[] {
  return transactions.map(({ txId }) => txId);
}

/** Whether a key's hash is still the one that the transaction of this place wrote. */
function currentAt({ database }: StateStore, place: SetPlace): (hashedKey: string) => boolean {
  const namespace = hashNamespace(place.namespace, place.collection);
  return (hashedKey) => {
    const row = database.get(stateKey(namespace, hashedKey));
    const version = row && readVersion(row, 0);
    return version?.blockNumber === place.blockNumber && version.txNumber === place.txNumber;
  };
}

async function foundBy(other: PrivateDataKeeper, request: SetRequest): Promise<Uint8Array | undefined> {
  try {
    return await other.find(request);
  } catch {
    // Whatever is wrong with another peer is for it to say: it must not keep this one from committing.
    return undefined;
  }
}

/** What a valid transaction says of private writes, one request for each collection it writes to. */
export function requestsOf(
  place: { readonly blockNumber: number; readonly txNumber: number },
  txId: string,
  sets: readonly NamespaceSet[],
): SetRequest[] {
  return sets.flatMap(({ namespace, collections }) =>
    collections
      .filter(({ privateSetHash }) => privateSetHash.length > 0)
      .map((hashed) => ({ ...place, txId, namespace, collection: hashed.collection, hashed })),
  );
}
