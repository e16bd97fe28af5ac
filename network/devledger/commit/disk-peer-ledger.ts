import type {
  CommittedBlock,
  KeyModification,
  PeerLedger,
  StateSnapshot,
  TransactionLocation,
  Version,
} from '../peer-ledger.js';
import { StoreError } from '../store/ledger-errors.js';
import type { StateStore, StateWrite } from '../store/state-store.js';
import { type BlockParts, committedMetadata, encodeBlock, parseBlock } from './block-codec.js';
import type { PrivateDataKeeper, PrivateKeeper } from '../private-data/private-keeper.js';
import { PrivateErasure } from '../private-data/private-erasure.js';
import { requestAt } from '../private-data/missing-set.js';
import { expiredHashes } from './expired-keys.js';
import type { Blocks } from './healing-blocks.js';
import type { HealingState } from './healing-state.js';
import { readModification } from './modification.js';
import { blockRows, chainFault } from './replay-block.js';
import type { RulesByBlock } from './rules-by-block.js';
import type { UpdateBatch } from './update-batch.js';
import { type BlockVerdict, validateBlock } from './validate-block.js';

export interface LedgerParts {
  readonly blocks: Blocks;
  readonly state: HealingState;
  readonly keeper: PrivateKeeper;
  readonly rules: RulesByBlock;
}

/** What a peer found out about a block before it was told to commit it. */
interface Prepared {
  readonly bytes: Uint8Array;
  /** On what it rests. */
  readonly state: StateStore;
  readonly judged: Promise<JudgedBlock>;
}

interface JudgedBlock {
  readonly block: BlockParts;
  readonly verdict: BlockVerdict;
}

/** A peer's ledger on disk: block files are the truth, the database can be made from them again. */
export class DiskPeerLedger implements PeerLedger {
  readonly mspId: string;
  readonly #blocks: Blocks;
  readonly #state: HealingState;
  readonly #rules: RulesByBlock;
  readonly #keeper: PrivateKeeper;
  readonly #listeners = new Set<(block: CommittedBlock) => void>();
  readonly #erasure: PrivateErasure;
  #committing = false;
  #prepared: Prepared | undefined;
  #stopped: string | undefined;

  constructor(mspId: string, parts: LedgerParts) {
    this.mspId = mspId;
    this.#blocks = parts.blocks;
    this.#state = parts.state;
    this.#keeper = parts.keeper;
    this.#rules = parts.rules;
    this.#erasure = new PrivateErasure(parts.state);
    this.#erasure.start();
  }

  height(): number {
    return this.#state.tip.height;
  }

  snapshot(): StateSnapshot {
    return this.#state.current.snapshot();
  }

  isServing(): boolean {
    return this.#state.isWhole;
  }

  async *history(namespace: string, key: string, belowHeight = Infinity): AsyncGenerator<KeyModification> {
    let latest: BlockParts | undefined;
    for await (const version of this.#state.current.history(namespace, key)) {
      if (version.blockNumber >= belowHeight) continue;
      if (latest?.number !== version.blockNumber) latest = await this.#block(version);
      yield readModification(latest, { ...version, namespace, key });
    }
  }

  async blockByNumber(blockNumber: number): Promise<Uint8Array | undefined> {
    // A block on disk whose database rows are still being written is not committed yet.
    return blockNumber >= 0 && blockNumber < this.height() ? this.#blocks.read(blockNumber) : undefined;
  }

  async blockNumberByHash(headerHash: Uint8Array): Promise<number | undefined> {
    return this.#state.read(async (state) => state.blockNumberByHash(headerHash));
  }

  currentBlockHash(): Uint8Array {
    return this.#state.tip.headerHash;
  }

  previousBlockHash(): Uint8Array {
    return this.#state.tip.previousHash;
  }

  async transaction(txId: string): Promise<TransactionLocation | undefined> {
    return this.#state.read(async (state) => state.transaction(txId));
  }

  commitHash(): Uint8Array {
    return this.#state.tip.commitHash;
  }

  async commit(bytes: Uint8Array): Promise<CommittedBlock> {
    if (this.#stopped !== undefined) throw new StoreError(this.#stopped);
    if (this.#committing) throw new StoreError(`Peer ${this.mspId} was given a block while it commits another.`);
    this.#committing = true;
    try {
      const committed = await this.#state.change((state) => this.#commitNext(bytes, state));
      this.#erasure.start();
      this.#notify(committed);
      return committed;
    } finally {
      this.#committing = false;
      this.#prepared = undefined;
    }
  }

  prepare(bytes: Uint8Array): void {
    if (this.#committing || this.#stopped !== undefined || !this.#state.isWhole) return;
    const state = this.#state.current;
    if (this.#preparedFor(bytes, state) !== undefined) return;
    const judged = this.#judge(bytes, state);
    // Whoever commits the block meets the same, and says so.
    judged.catch(() => undefined);
    this.#prepared = { bytes, state, judged };
  }

  onCommit(listener: (block: CommittedBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get privateData(): PrivateDataKeeper {
    const keeper = this.#keeper;
    const state = this.#state;
    return {
      mspId: this.mspId,
      isMember: (chaincode, collection) => keeper.isMember(chaincode, collection),
      storeTransient: (txId, sets) => state.change((store) => keeper.storeTransient(store, txId, sets)),
      // Whoever asks may be healing too, and be waited for here: so nobody waits for this peer's state to be whole.
      find: async (request) => keeper.find(state.current, request),
      setsOf: (blockNumber) => state.read((store) => keeper.setsOf(store, blockNumber)),
      missing: () => state.read((store) => keeper.missing(store)),
      connect: (others) => keeper.connect(others),
      reconcile: () => state.change((store) => this.#reconcile(store)),
      isErasing: () => this.#erasure.isPending(),
    };
  }

  async close(): Promise<void> {
    this.#stopped ??= `The ledger of peer ${this.mspId} is closed; open it again.`;
    this.#listeners.clear();
    await this.#prepared?.judged.catch(() => undefined);
    await this.#erasure.stop();
    await this.#state.close();
    await this.#blocks.close();
  }

  async #commitNext(bytes: Uint8Array, state: StateStore): Promise<CommittedBlock> {
    const { tip } = this.#state;
    const { block, verdict } = await this.#judgedBefore(bytes, state);
    const { transactions, updates } = verdict;
    const codes = Uint8Array.from(transactions, ({ code }) => code);
    const owned = transactions.flatMap(({ txId, code }, txNumber) => (txId === '' ? [] : [{ txId, txNumber, code }]));
    const expired = await this.#expired(block.number, updates, state);
    const privateRows = await this.#keeper.rowsOfBlock(state, block.number, transactions);
    const rows = { ...blockRows(block, tip, { codes, updates, expired, transactions: owned }), privateRows };
    const metadata = committedMetadata(block.metadata, { codes, commitHash: rows.tip.commitHash });
    const committed = encodeBlock({ ...block, metadata });
    await state.makeRoom();
    await this.#blocks.append(committed);
    try {
      await state.apply(rows);
      this.#keeper.applied(block.number, transactions);
    } catch (cause) {
      // The block is on disk and its rows are not: only opening anew, which replays it, brings them together.
      this.#stopped = `Peer ${this.mspId} could not store the state of block ${block.number}: restart the ledger.`;
      throw new StoreError(this.#stopped, { cause });
    }
    return {
      blockNumber: block.number,
      bytes: committed,
      transactions: transactions.map(({ txId, code }) => ({ txId, validationCode: code })),
    };
  }

  async #reconcile(state: StateStore): Promise<number> {
    if (this.#stopped !== undefined) return 0;
    const before = (await this.#keeper.missing(state)).length;
    if (before === 0) return 0;
    const rows = await this.#keeper.rowsOfMissing(state, async (place) => requestAt(await this.#block(place), place));
    if (rows.length > 0) await state.putRows(rows);
    return before - (await this.#keeper.missing(state)).length;
  }

  #judgedBefore(bytes: Uint8Array, state: StateStore): Promise<JudgedBlock> {
    return this.#preparedFor(bytes, state)?.judged ?? this.#judge(bytes, state);
  }

  #preparedFor(bytes: Uint8Array, state: StateStore): Prepared | undefined {
    const prepared = this.#prepared;
    // A state that was made again meanwhile is another one.
    return prepared?.bytes === bytes && prepared.state === state ? prepared : undefined;
  }

  /** Whether the block follows and is the orderer's, and which of its transactions are valid. */
  async #judge(bytes: Uint8Array, state: StateStore): Promise<JudgedBlock> {
    const block = parseBlock(bytes);
    const fault = chainFault(block, this.#state.tip) ?? this.#rules.ordering?.faultOf(block);
    if (fault !== undefined) {
      throw new StoreError(`Peer ${this.mspId} refuses block ${block.number} from the orderer: ${fault}.`);
    }
    const snapshot = state.snapshot();
    try {
      const verdict = await validateBlock(block, this.#rules.at(block.number).rules, {
        state: snapshot,
        knownTransactions: (txIds) => state.knownTransactions(txIds),
      });
      return { block, verdict };
    } finally {
      await snapshot.close();
    }
  }

  async #expired(blockNumber: number, updates: UpdateBatch, state: StateStore): Promise<StateWrite[]> {
    const snapshot = state.snapshot();
    try {
      const readBlock = (number: number) => this.#block({ blockNumber: number, txNumber: 0 });
      return await expiredHashes(blockNumber, {
        rules: this.#rules.at(blockNumber).channel,
        readBlock,
        state: snapshot,
        updates,
      });
    } finally {
      await snapshot.close();
    }
  }

  #notify(block: CommittedBlock): void {
    for (const listener of this.#listeners) {
      try {
        listener(block);
      } catch (error) {
        // The block is committed whatever a listener makes of it.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }

  async #block(version: Version): Promise<BlockParts> {
    const bytes = await this.#blocks.read(version.blockNumber);
    if (bytes === undefined) throw new StoreError(`Peer ${this.mspId} has no block ${version.blockNumber}.`);
    return parseBlock(bytes);
  }
}
