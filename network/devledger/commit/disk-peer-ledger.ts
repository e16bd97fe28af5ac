import type {
  CommittedBlock,
  KeyModification,
  PeerLedger,
  StateSnapshot,
  TransactionLocation,
  Version,
} from '../peer-ledger.js';
import type { FrameFiles } from '../store/frame-files.js';
import { StoreError } from '../store/ledger-errors.js';
import type { StateStore, StateWrite } from '../store/state-store.js';
import type { LedgerTip } from '../store/tip.js';
import { type BlockParts, committedMetadata, encodeBlock, parseBlock } from './block-codec.js';
import type { PrivateDataKeeper, PrivateKeeper } from '../private-data/private-keeper.js';
import { requestAt } from '../private-data/missing-set.js';
import { expiredHashes } from './expired-keys.js';
import { readModification } from './modification.js';
import type { PeerLedgerOptions } from './open-peer-ledger.js';
import { blockRows, chainFault, EMPTY_TIP } from './replay-block.js';
import type { UpdateBatch } from './update-batch.js';
import { RulesByBlock } from './rules-by-block.js';
import { validateBlock } from './validate-block.js';

export interface LedgerStores {
  readonly blocks: FrameFiles;
  readonly state: StateStore;
  readonly keeper: PrivateKeeper;
}

/** A peer's ledger on disk: block files are the truth, the database can be made from them again. */
export class DiskPeerLedger implements PeerLedger {
  readonly mspId: string;
  readonly #blocks: FrameFiles;
  readonly #state: StateStore;
  readonly #rules: RulesByBlock;
  readonly #keeper: PrivateKeeper;
  /** Ends when nothing is being written any more. */
  #writing: Promise<unknown> = Promise.resolve();
  readonly #listeners = new Set<(block: CommittedBlock) => void>();
  #committing = false;
  #stopped: string | undefined;

  constructor(options: PeerLedgerOptions, stores: LedgerStores) {
    this.mspId = options.mspId;
    this.#blocks = stores.blocks;
    this.#state = stores.state;
    this.#keeper = stores.keeper;
    this.#rules = new RulesByBlock({ ...options, signatures: options.signatureCache }, options.definitionsAt);
  }

  height(): number {
    return this.#tip().height;
  }

  snapshot(): StateSnapshot {
    return this.#state.snapshot();
  }

  async *history(namespace: string, key: string): AsyncGenerator<KeyModification> {
    let latest: BlockParts | undefined;
    for await (const version of this.#state.history(namespace, key)) {
      if (latest?.number !== version.blockNumber) latest = await this.#block(version);
      yield readModification(latest, { ...version, namespace, key });
    }
  }

  async blockByNumber(blockNumber: number): Promise<Uint8Array | undefined> {
    // A block on disk whose database rows are still being written is not committed yet.
    return blockNumber >= 0 && blockNumber < this.height() ? this.#blocks.read(blockNumber) : undefined;
  }

  async blockNumberByHash(headerHash: Uint8Array): Promise<number | undefined> {
    return this.#state.blockNumberByHash(headerHash);
  }

  currentBlockHash(): Uint8Array {
    return this.#tip().headerHash;
  }

  previousBlockHash(): Uint8Array {
    return this.#tip().previousHash;
  }

  async transaction(txId: string): Promise<TransactionLocation | undefined> {
    return this.#state.transaction(txId);
  }

  commitHash(): Uint8Array {
    return this.#tip().commitHash;
  }

  async commit(bytes: Uint8Array): Promise<CommittedBlock> {
    if (this.#stopped !== undefined) throw new StoreError(this.#stopped);
    if (this.#committing) throw new StoreError(`Peer ${this.mspId} was given a block while it commits another.`);
    this.#committing = true;
    try {
      const committed = await this.#alone(() => this.#commitNext(bytes));
      this.#notify(committed);
      return committed;
    } finally {
      this.#committing = false;
    }
  }

  onCommit(listener: (block: CommittedBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get privateData(): PrivateDataKeeper {
    const keeper = this.#keeper;
    return {
      mspId: this.mspId,
      isMember: (chaincode, collection) => keeper.isMember(chaincode, collection),
      storeTransient: (txId, sets) => this.#alone(() => keeper.storeTransient(txId, sets)),
      find: (request) => keeper.find(request),
      setsOf: (blockNumber) => keeper.setsOf(blockNumber),
      missing: () => keeper.missing(),
      connect: (others) => keeper.connect(others),
      reconcile: () => this.#alone(() => this.#reconcile()),
    };
  }

  async close(): Promise<void> {
    this.#stopped ??= `The ledger of peer ${this.mspId} is closed; open it again.`;
    this.#listeners.clear();
    await this.#writing;
    await this.#blocks.close();
    await this.#state.close();
  }

  async #commitNext(bytes: Uint8Array): Promise<CommittedBlock> {
    const tip = this.#tip();
    const block = parseBlock(bytes);
    const fault = chainFault(block, tip);
    if (fault !== undefined) {
      throw new StoreError(`Peer ${this.mspId} refuses block ${block.number} from the orderer: ${fault}.`);
    }
    const { transactions, updates } = await this.#validate(block);
    const codes = Uint8Array.from(transactions, ({ code }) => code);
    const owned = transactions.flatMap(({ txId, code }, txNumber) => (txId === '' ? [] : [{ txId, txNumber, code }]));
    const expired = await this.#expired(block.number, updates);
    const privateRows = await this.#keeper.rowsOfBlock(block.number, transactions);
    const rows = { ...blockRows(block, tip, { codes, updates, expired, transactions: owned }), privateRows };
    const metadata = committedMetadata(block.metadata, { codes, commitHash: rows.tip.commitHash });
    const committed = encodeBlock({ ...block, metadata });
    await this.#blocks.append(committed);
    try {
      await this.#state.apply(rows);
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

  /** Writers of one database take turns: what one of them read is still so when it writes. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#writing.then(work, work);
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  async #reconcile(): Promise<number> {
    const before = (await this.#keeper.missing()).length;
    if (before === 0 || this.#stopped !== undefined) return 0;
    const rows = await this.#keeper.rowsOfMissing(async (place) => requestAt(await this.#block(place), place));
    if (rows.length > 0) await this.#state.putRows(rows);
    return before - (await this.#keeper.missing()).length;
  }

  async #validate(block: BlockParts): ReturnType<typeof validateBlock> {
    const state = this.#state.snapshot();
    try {
      return await validateBlock(block, this.#rules.at(block.number).rules, {
        state,
        knownTransactions: (txIds) => this.#state.knownTransactions(txIds),
      });
    } finally {
      await state.close();
    }
  }

  async #expired(blockNumber: number, updates: UpdateBatch): Promise<StateWrite[]> {
    const state = this.#state.snapshot();
    try {
      const readBlock = (number: number) => this.#block({ blockNumber: number, txNumber: 0 });
      return await expiredHashes(blockNumber, {
        rules: this.#rules.at(blockNumber).channel,
        readBlock,
        state,
        updates,
      });
    } finally {
      await state.close();
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

  #tip(): LedgerTip {
    return this.#state.tip ?? EMPTY_TIP;
  }
}
