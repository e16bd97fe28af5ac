import { StateCorruptError, StoreError } from '../store/ledger-errors.js';
import { kindRange } from '../store/row-keys.js';
import type { StateStore } from '../store/state-store.js';

/** A state that may be made anew while it is used. */
export interface ErasedState {
  readonly current: StateStore;
  change<Result>(action: (state: StateStore) => Promise<Result>): Promise<Result>;
}

/** Rows that hold private values, now or before. */
const RANGES = [kindRange('privateState'), kindRange('privateSet'), kindRange('transientSet')];
/** How long it rests, as a multiple of how long it worked, so that purges without end leave time for other work. */
const REST_RATIO = 3;
const RETRY_MS = 1_000;

/**
 * Takes purged and ended private data out of the files of one peer: deleted, their bytes would lie there until a merge
 * comes by. In the background, one run at a time, however many purges there were meanwhile. What is due is a row of the
 * state, so that a run which a crash cuts off is done by the next start.
 */
export class PrivateErasure {
  readonly #state: ErasedState;
  readonly #stop: { readonly requested: Promise<void>; readonly request: () => void };
  #isStopped = false;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(state: ErasedState) {
    this.#state = state;
    let request = (): void => undefined;
    const requested = new Promise<void>((resolve) => {
      request = resolve;
    });
    this.#stop = { requested, request };
  }

  /** Whether bytes that are due are still in files. */
  isPending(): boolean {
    return this.#running !== undefined || this.#isDue();
  }

  /** Begins where something is due; safe to call at any time. */
  start(): void {
    if (this.#isStopped || this.#running !== undefined || this.#timer !== undefined || !this.#isDue()) return;
    const begunMs = performance.now();
    this.#running = this.#run().then(
      () => this.#rest(REST_RATIO * (performance.now() - begunMs)),
      (error: unknown) => {
        // A damaged state is made anew, a full disk has room again some day: either way it stays due.
        if (!(error instanceof StateCorruptError || error instanceof StoreError)) {
          process.emitWarning(error instanceof Error ? error : String(error));
        }
        this.#rest(RETRY_MS);
      },
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stop.request();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #isDue(): boolean {
    try {
      const { erasure, tip } = this.#state.current;
      return erasure !== undefined && (tip?.height ?? 0) > erasure.dueBlock;
    } catch (error) {
      if (error instanceof StoreError) return false;
      throw error;
    }
  }

  #rest(restMs: number): void {
    this.#running = undefined;
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.start();
    }, restMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    // What says that rows are deleted is to be in the tables before anything is taken out of them.
    const begun = await this.#state.change(async (state) => {
      await state.database.flush();
      return { state, asked: state.erasure };
    });
    const { state, asked } = begun;
    if (asked === undefined || !(await state.database.erase(RANGES, () => this.#isStopped))) return;
    await this.#state.change(async (current) => current.letGo());
    // Simulations that began before may read the old files for a while.
    await Promise.race([state.database.filesRemoved(), this.#stop.requested]);
    if (this.#isStopped) return;
    await this.#state.change(async (current) => {
      if (current === state) await current.endErasure(asked);
    });
  }
}
