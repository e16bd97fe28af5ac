import { blockDataHash, blockHeaderHash } from '../../../network/devledger/commit/block-hash.js';
import {
  committedMetadata,
  encodeBlock,
  orderedMetadata,
  parseBlock,
} from '../../../network/devledger/commit/block-codec.js';
import { nextCommitHash } from '../../../network/devledger/commit/commit-hash.js';
import { type ValidationRules, validateBlock } from '../../../network/devledger/commit/validate-block.js';
import { compareUtf8 } from '../../../network/devledger/endorse/utf8-order.js';
import type {
  CommittedBlock,
  KeyModification,
  KeyValue,
  PeerLedger,
  StateSnapshot,
  TransactionLocation,
  VersionedValue,
} from '../../../network/devledger/peer-ledger.js';
import type { StateReader } from '../../../network/devledger/store/state-reader.js';
import type { StateWrite } from '../../../network/devledger/store/state-store.js';

type State = ReadonlyMap<string, VersionedValue>;

/** One peer's ledger in memory, with the real validator; what is not stored on disk cannot be damaged on disk. */
export class MemoryPeerLedger implements PeerLedger {
  readonly mspId: string;
  readonly #rules: ValidationRules;
  readonly #blocks: Uint8Array[] = [];
  readonly #hashes: Uint8Array[] = [];
  readonly #transactions = new Map<string, TransactionLocation>();
  readonly #history = new Map<string, (KeyModification & { readonly blockNumber: number })[]>();
  readonly #listeners = new Set<(block: CommittedBlock) => void>();
  #state: State = new Map();
  #commitHash: Uint8Array = new Uint8Array();
  /** Keys whose reads fail, as a store's do when bytes have rotted. */
  readonly corruptKeys = new Set<string>();

  constructor(mspId: string, rules: ValidationRules) {
    this.mspId = mspId;
    this.#rules = rules;
  }

  height(): number {
    return this.#blocks.length;
  }

  isServing(): boolean {
    return true;
  }

  prepare(): void {}

  snapshot(): StateSnapshot & StateReader {
    return snapshotOf(this.#state, this.#blocks.length, this.corruptKeys);
  }

  /** Writes state behind the chain's back. */
  overwrite(namespace: string, key: string, value: string): void {
    const current = this.#state.get(name(namespace, key));
    if (current === undefined) throw new Error(`no key ${key}`);
    this.#state = new Map(this.#state).set(name(namespace, key), { ...current, value: Buffer.from(value) });
  }

  async *history(namespace: string, key: string, belowHeight = Infinity): AsyncGenerator<KeyModification> {
    const changes = this.#history.get(name(namespace, key)) ?? [];
    yield* changes.filter(({ blockNumber }) => blockNumber < belowHeight).reverse();
  }

  async blockByNumber(blockNumber: number): Promise<Uint8Array | undefined> {
    return this.#blocks[blockNumber];
  }

  async blockNumberByHash(headerHash: Uint8Array): Promise<number | undefined> {
    const found = this.#hashes.findIndex((hash) => Buffer.compare(hash, headerHash) === 0);
    return found < 0 ? undefined : found;
  }

  currentBlockHash(): Uint8Array {
    return this.#hashes.at(-1) ?? new Uint8Array();
  }

  previousBlockHash(): Uint8Array {
    return this.#hashes.at(-2) ?? new Uint8Array();
  }

  async transaction(txId: string): Promise<TransactionLocation | undefined> {
    return this.#transactions.get(txId);
  }

  commitHash(): Uint8Array {
    return this.#commitHash;
  }

  async commit(bytes: Uint8Array): Promise<CommittedBlock> {
    const block = parseBlock(bytes);
    const { transactions, writes } = await this.#validate(block);
    const codes = Uint8Array.from(transactions.map(({ validationCode }) => validationCode));
    this.#commitHash = nextCommitHash(codes, writes, this.#commitHash);
    this.#write(writes, transactions);
    for (const [txNumber, { txId, validationCode }] of transactions.entries()) {
      if (txId !== '') this.#transactions.set(txId, { blockNumber: block.number, txNumber, validationCode });
    }
    const metadata = committedMetadata(block.metadata, { codes, commitHash: this.#commitHash });
    const committed = { blockNumber: block.number, bytes: encodeBlock({ ...block, metadata }), transactions };
    this.#blocks.push(committed.bytes);
    this.#hashes.push(blockHeaderHash(block));
    for (const listener of this.#listeners) listener(committed);
    return committed;
  }

  onCommit(listener: (block: CommittedBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {}

  async #validate(
    block: ReturnType<typeof parseBlock>,
  ): Promise<{ transactions: CommittedBlock['transactions']; writes: readonly StateWrite[] }> {
    if (block.number === 0) return { transactions: [{ txId: '', validationCode: 0 }], writes: [] };
    const verdict = await validateBlock(block, this.#rules, {
      state: this.snapshot(),
      knownTransactions: async (txIds) => txIds.map((txId) => this.#transactions.has(txId)),
    });
    const transactions = verdict.transactions.map(({ txId, code }) => ({ txId, validationCode: code }));
    return { transactions, writes: verdict.updates.sorted() };
  }

  #write(writes: readonly StateWrite[], transactions: CommittedBlock['transactions']): void {
    const next = new Map(this.#state);
    for (const { namespace, key, value, version } of writes) {
      if (value === undefined) next.delete(name(namespace, key));
      else next.set(name(namespace, key), { value, version });
      const changes = this.#history.get(name(namespace, key)) ?? [];
      const txId = transactions[version.txNumber]?.txId ?? '';
      const { blockNumber } = version;
      const isDelete = value === undefined;
      changes.push({ txId, timestampMs: Date.now(), isDelete, value: value ?? new Uint8Array(), blockNumber });
      this.#history.set(name(namespace, key), changes);
    }
    this.#state = next;
  }
}

/** Orders into blocks of what arrived within a few milliseconds, unless it is `held` or made to fail. */
export class MemoryOrderer {
  readonly #ledgers: readonly PeerLedger[];
  #waiting: Uint8Array[] = [];
  #number: number;
  #previousHash: Uint8Array;
  #work: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  failure: Error | undefined;
  /** Takes envelopes and cuts no block. */
  held = false;

  constructor(ledgers: readonly PeerLedger[]) {
    this.#ledgers = ledgers;
    this.#number = ledgers[0]?.height() ?? 0;
    this.#previousHash = ledgers[0]?.currentBlockHash() ?? new Uint8Array();
  }

  async submit(envelope: Uint8Array): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.#waiting.push(envelope);
    if (!this.held) this.#timer ??= setTimeout(() => this.#cut(), 10);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#work;
  }

  #cut(): void {
    this.#timer = undefined;
    const envelopes = this.#waiting;
    this.#waiting = [];
    const header = { number: this.#number, previousHash: this.#previousHash, dataHash: blockDataHash(envelopes) };
    const block = encodeBlock({ ...header, envelopes, metadata: orderedMetadata(new Uint8Array()) });
    this.#number += 1;
    this.#previousHash = blockHeaderHash(header);
    this.#work = this.#work.then(async () => {
      await Promise.all(this.#ledgers.map((ledger) => ledger.commit(block)));
    });
  }
}

function snapshotOf(state: State, height: number, corruptKeys: ReadonlySet<string>): StateSnapshot & StateReader {
  const rows = (namespace: string, startKey: string, endKey: string, includeEnd: boolean): KeyValue[] =>
    [...state]
      .filter(([composite]) => composite.startsWith(name(namespace, '')))
      .map(([composite, value]) => ({ key: composite.slice(name(namespace, '').length), ...value }))
      .filter(({ key }) => compareUtf8(key, startKey) >= 0)
      .filter(({ key }) => endKey === '' || compareUtf8(key, endKey) < (includeEnd ? 1 : 0))
      .sort((left, right) => compareUtf8(left.key, right.key));
  return {
    height,
    async get(namespace, key) {
      if (corruptKeys.has(key)) throw new Error(`STATE_CORRUPT: key ${key} does not match its digest`);
      return state.get(name(namespace, key));
    },
    async *range(namespace, startKey, endKey) {
      yield* rows(namespace, startKey, endKey, false);
    },
    async versions(keys) {
      return keys.map(({ namespace, key }) => state.get(name(namespace, key))?.version);
    },
    async valuesOf(keys) {
      return keys.map(({ namespace, key }) => state.get(name(namespace, key)));
    },
    async *rangeVersions(namespace, startKey, endKey, includeEnd) {
      yield* rows(namespace, startKey, endKey, includeEnd);
    },
    async close() {},
  };
}

function name(namespace: string, key: string): string {
  return `${namespace}\u0000${key}`;
}
