import { basename, dirname, join } from 'node:path';
import type { FileSystem } from '../store/file-system.js';
import { keepAside } from '../store/keep-aside.js';
import { StateCorruptError, StoreError } from '../store/ledger-errors.js';
import { StateStore } from '../store/state-store.js';
import type { LedgerTip } from '../store/tip.js';
import type { Blocks } from './healing-blocks.js';
import { EMPTY_TIP } from './replay-block.js';

/**
 * Applies the blocks that a state has not seen.
 *
 * @param earlier - folder of the damaged state that it takes the place of
 * @throws BlockCorruptError
 */
export type BringUp = (state: StateStore, earlier: string | undefined) => Promise<void>;

export interface HealingStateOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly mspId: string;
  /** Told in a sentence what was found and what was done about it. */
  readonly onIncident: (sentence: string) => void;
}

/**
 * The state of one peer. Where it is found damaged it is moved aside and made again from the peer's blocks, while the
 * process and the other peers go on; nothing damaged is handed out in the meantime.
 */
export class HealingState {
  readonly #options: HealingStateOptions;
  #store: StateStore;
  #blocks: Blocks | undefined;
  #bringUp: BringUp | undefined;
  /** Damage that was met before there were blocks to heal it from. */
  #foundEarly: StateCorruptError | undefined;
  /** Folder of what could not be opened and was moved aside; the state in its place is not brought up yet. */
  #earlier: string | undefined;
  /** Where the ledger ended when the state was whole; kept while it is made again. */
  #keptTip: LedgerTip | undefined;
  /** Commit and rebuilding take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #healing: Promise<void> | undefined;
  /** Why it could not be made again. */
  #failure: Error | undefined;

  private constructor(options: HealingStateOptions, store: StateStore) {
    this.#options = options;
    this.#store = store;
  }

  /**
   * @throws StoreError when the folder is in use, or was damaged too often
   */
  static async open(options: HealingStateOptions): Promise<HealingState> {
    let self: HealingState | undefined;
    const { store, earlier } = await openSound(options, (error) => self?.heal(error));
    self = new HealingState(options, store);
    self.#earlier = earlier;
    return self;
  }

  /** Number of blocks that had been acknowledged, at least. */
  get acknowledgedHeight(): number {
    return this.#store.acknowledgedHeight;
  }

  /**
   * Applies the blocks that the state has not seen. From here on damage is healed from them.
   *
   * @throws BlockCorruptError
   */
  async bringUp(blocks: Blocks, bringUp: BringUp): Promise<void> {
    this.#blocks = blocks;
    this.#bringUp = bringUp;
    try {
      if (this.#foundEarly !== undefined) throw this.#foundEarly;
      await bringUp(this.#store, this.#earlier);
    } catch (error) {
      if (!(error instanceof StateCorruptError)) throw error;
      await this.heal(error);
    }
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#earlier !== undefined) this.#sayMadeAgain(blocks);
    this.#earlier = undefined;
  }

  get tip(): LedgerTip {
    return this.#keptTip ?? this.#store.tip ?? EMPTY_TIP;
  }

  get isWhole(): boolean {
    return this.#healing === undefined && this.#failure === undefined;
  }

  /** @throws StoreError while it is made again */
  get current(): StateStore {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#healing === undefined) return this.#store;
    throw new StoreError(
      `Peer ${this.#options.mspId} makes its state again from its blocks: ask another peer, or this one in a while.`,
    );
  }

  /** Reads, and where that finds damage, reads once more from what was made again. Waits while it is made. */
  async read<Result>(action: (state: StateStore) => Promise<Result>): Promise<Result> {
    await this.#healing;
    const store = this.current;
    try {
      return await action(store);
    } catch (error) {
      if (!(error instanceof StateCorruptError)) throw error;
      // Meanwhile it may have been made again because of what somebody else found.
      await (store === this.#store ? this.heal(error) : this.#healing);
      return action(this.current);
    }
  }

  /** Does something that changes blocks and state together; as with `read` it may be done a second time. */
  async change<Result>(action: (state: StateStore) => Promise<Result>): Promise<Result> {
    return this.read((state) => this.#inTurn(() => action(state)));
  }

  /** Resolves when the state is whole again, or cannot be made whole; one at a time, however many ask. */
  heal(cause: StateCorruptError): Promise<void> {
    if (this.#bringUp === undefined) {
      this.#foundEarly = cause;
      return Promise.resolve();
    }
    this.#healing ??= this.#inTurn(() => this.#rebuild(cause))
      .catch((error: unknown) => {
        this.#failure = error instanceof Error ? error : new Error(String(error));
        this.#options.onIncident(
          `The state of peer ${this.#options.mspId} could not be made again: ${this.#failure.message}`,
        );
      })
      .finally(() => {
        this.#healing = undefined;
      });
    return this.#healing;
  }

  async close(): Promise<void> {
    await this.#healing;
    await this.#turn;
    await this.#store.close();
  }

  async #rebuild(cause: StateCorruptError): Promise<void> {
    const blocks = this.#blocks;
    const bringUp = this.#bringUp;
    if (blocks === undefined || bringUp === undefined || this.#failure !== undefined) throw this.#failure ?? cause;
    this.#keptTip = this.tip;
    await this.#store.close();
    const { store, earlier } = await openAnew(this.#options, cause, (error) => this.heal(error));
    this.#store = store;
    await bringUp(store, earlier);
    this.#keptTip = undefined;
    this.#sayMadeAgain(blocks);
  }

  #sayMadeAgain({ nextSequence }: Blocks): void {
    const { mspId, onIncident } = this.#options;
    onIncident(`The state of peer ${mspId} was made again from ${nextSequence} blocks.`);
  }

  #inTurn<Result>(action: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(action);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

type DamageListener = (error: StateCorruptError) => unknown;

interface OpenedState {
  readonly store: StateStore;
  /** Folder of the one it takes the place of. */
  readonly earlier: string | undefined;
}

/** An empty state in the place of one that cannot be opened. */
async function openSound(options: HealingStateOptions, onDamage: DamageListener): Promise<OpenedState> {
  try {
    const store = await StateStore.open(options.directory, options.mspId, { files: options.files, onDamage });
    return { store, earlier: undefined };
  } catch (error) {
    if (!(error instanceof StateCorruptError)) throw error;
    return openAnew(options, error, onDamage);
  }
}

async function openAnew(
  options: HealingStateOptions,
  cause: StateCorruptError,
  onDamage: DamageListener,
): Promise<OpenedState> {
  const { files, directory, mspId, onIncident } = options;
  const name = basename(directory);
  const aside = await keepAside(files, dirname(directory), [name]);
  onIncident(`${cause.message} What is there was moved to ${aside}; the state is made again from the blocks.`);
  return { store: await StateStore.open(directory, mspId, { files, onDamage }), earlier: join(aside, name) };
}
